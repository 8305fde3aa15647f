/** The schema of a class's parameters, made from the table that the driver reads requests by. */
import { PARAMETERS, type ParameterRow, QOS_KEY } from '../../src/csi/parameters/table.ts';
import { NAME, object, type Schema } from './forms.ts';

const ROWS: readonly [string, ParameterRow][] = Object.entries(PARAMETERS);
/** YAML's scalars: the chart writes each as the text that a StorageClass wants. */
const SCALAR = ['string', 'integer', 'boolean'];

const SIZE = '^[0-9]{1,18}(Ki|Mi|Gi|Ti|k|M|G|T)?$';
const DURATION = '^(0|[0-9]{1,9}[smhd])$';

/** By the form that the table gives: narrower than a scalar where the form can be said as a schema. */
const FORMS: readonly (readonly [RegExp, (match: RegExpExecArray) => Schema])[] = [
  [/^a name$/, () => ({ type: 'string', pattern: NAME })],
  [/^a number, (\d+) to (\d+)$/, ([, low, high]) => numberFrom(Number(low), Number(high))],
  [/^`true` or `false`$/, () => ({ enum: [true, false, 'true', 'false'] })],
  [/^a duration/, () => ({ type: ['string', 'integer'], pattern: DURATION, minimum: 0, maximum: 0 })],
  [/^a power of two|^a size/, () => ({ type: ['string', 'integer'], pattern: SIZE, minimum: 1 })],
  [/^JSON: /, () => topologyPools],
];

const segments: Schema = {
  description: 'Labels that nodes carry which can reach the pool.',
  type: 'object',
  minProperties: 1,
  additionalProperties: { type: 'string' },
};

/** Pools by topology, as values write them: the chart makes JSON of it where a StorageClass wants that. */
export const topologyPools: Schema = {
  type: 'array',
  minItems: 1,
  maxItems: 64,
  items: object(
    'A pool, and where it can be reached from.',
    {
      pool: { description: 'The pool that holds the images.', type: 'string', pattern: NAME },
      dataPool: { description: 'A pool of its own for the data.', type: 'string', pattern: NAME },
      segments,
    },
    ['pool', 'segments'],
  ),
};

/** `mutable`: only those that a VolumeAttributesClass may have. */
export function parameters(says: string, kind: 'all' | 'mutable'): Schema {
  const rows = ROWS.filter(([, row]) => kind === 'all' || row.mutable === true);
  const qos = {
    description: "librbd's limit of one image; 0 takes it away.",
    type: ['string', 'integer'],
    pattern: SIZE,
    minimum: 0,
  };
  return {
    ...object(says, Object.fromEntries(rows.map(([key, row]) => [key, parameter(row)]))),
    patternProperties: { [QOS_KEY.source]: qos },
  };
}

function parameter(row: ParameterRow): Schema {
  const description = `${row.says} ${row.form}; when not given: ${row.otherwise}.`.replaceAll('`', '');
  for (const [form, schema] of FORMS) {
    const match = form.exec(row.form);
    if (match !== null) return { ...schema(match), description };
  }
  return { type: SCALAR, description };
}

/** The same bounds for digits in quotes; what those say is left to the driver. */
function numberFrom(minimum: number, maximum: number): Schema {
  return { type: ['integer', 'string'], minimum, maximum, pattern: '^[0-9]{1,10}$' };
}
