import { Failure } from '#lib/failure';
import { PARAMETERS, type ParameterRow, type ParameterValues, QOS_KEY } from './table.ts';
import { refused, size } from './values.ts';

/** A class in three parts: the table's parameters, librbd's limits, and Kubernetes' names of what is made. */
export interface ReadParameters {
  readonly values: ParameterValues;
  readonly qos: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** The sidecars add these with `--extra-create-metadata`; what else they add under the prefix is theirs alone. */
const PREFIX = 'csi.storage.k8s.io/';
const LABEL = /^(pvc|pv|volumesnapshot|volumesnapshotcontent|volumegroupsnapshot|volumegroupsnapshotcontent)\/(name|namespace)$/;

type Given = Readonly<Record<string, string>>;

/** Throws `invalid` naming the first key that is unknown or whose value is wrong. */
export function readParameters(given: Given): ReadParameters {
  const { rest, labels } = splitLabels(given);
  return { ...readRows(rest, () => true), labels };
}

/** The same for a VolumeAttributesClass, where only what can change later may stand. */
export function readMutableParameters(given: Given): Omit<ReadParameters, 'labels'> {
  const { rest } = splitLabels(given);
  return readRows(rest, (row) => row.mutable === true);
}

/** The labels of a snapshot class, which has no parameters of its own. */
export function readLabels(given: Given): Readonly<Record<string, string>> {
  const { rest, labels } = splitLabels(given);
  for (const key of Object.keys(rest)) throw unknownParameter(key);
  return labels;
}

function splitLabels(given: Given): { rest: Given; labels: Given } {
  const entries = Object.entries(given);
  const labels = entries
    .filter(([key]) => key.startsWith(PREFIX))
    .map(([key, value]): [string, string] => [key.slice(PREFIX.length), value])
    .filter(([key]) => LABEL.test(key));
  const rest = entries.filter(([key]) => !key.startsWith(PREFIX));
  return { rest: Object.fromEntries(rest), labels: Object.fromEntries(labels) };
}

function readRows(given: Given, allowed: (row: ParameterRow) => boolean): { values: ParameterValues; qos: Given } {
  const values: Record<string, unknown> = {};
  const qos: Record<string, string> = {};
  for (const [key, text] of Object.entries(given)) {
    if (QOS_KEY.test(key)) {
      qos[key] = readLimit(key, text);
      continue;
    }
    const row = findRow(key);
    if (row === undefined) throw unknownParameter(key);
    if (!allowed(row)) throw refused(key, 'cannot be changed later, so it may not stand here');
    values[key] = row.read(key, text);
  }
  return { values: values as ParameterValues, qos }; // each value comes from the row of its own key
}

function findRow(key: string): ParameterRow | undefined {
  const rows: Readonly<Record<string, ParameterRow>> = PARAMETERS;
  return Object.hasOwn(rows, key) ? rows[key] : undefined;
}

/** librbd takes plain digits; 0 takes the limit away. */
function readLimit(key: string, text: string): string {
  return String(size(key, text));
}

function unknownParameter(key: string): Failure {
  return new Failure('invalid', 'PARAMETER_UNKNOWN', `parameter ${JSON.stringify(key)} is unknown`);
}
