/** What nobody vouches for, looked at value by value: each check says what is wrong, or nothing. */

export interface Wrong {
  /** `claim.namespace` */
  readonly field: string;
  readonly message: string;
}

export type Check = (value: unknown) => string | undefined;

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const LABELS_MAX = 32;

/** The first thing that is wrong: fields that are not known are, too, for what is not looked at may mean something one day. */
export function checkFields(value: unknown, fields: Readonly<Record<string, Check>>, at = ''): Wrong | undefined {
  if (!isObject(value)) return { field: at === '' ? '(all)' : at.slice(0, -1), message: 'is no JSON object' };
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined) return { field: `${at}${shown(unknown)}`, message: 'is no field that this Loligo knows' };
  for (const [name, check] of Object.entries(fields)) {
    const wrong = Object.hasOwn(value, name) ? check(Reflect.get(value, name)) : 'is missing';
    if (wrong !== undefined) return { field: `${at}${name}`, message: wrong };
  }
  return undefined;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const namespaceName: Check = (value) =>
  typeof value === 'string' && value.length <= 63 && DNS_LABEL.test(value)
    ? undefined
    : `${shown(value)} is no name of a namespace`;

export const objectName: Check = (value) => (isObjectName(value) ? undefined : `${shown(value)} is no name of an object`);

export const nameOrNone: Check = (value) => (value === '' ? undefined : objectName(value));

export function isObjectName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 253 && value.split('.').every((part) => DNS_LABEL.test(part));
}

export function oneOf(...choices: readonly unknown[]): Check {
  return (value) => (choices.includes(value) ? undefined : `${shown(value)} is none of ${choices.map(shown).join(', ')}`);
}

export function listOf(...choices: readonly string[]): Check {
  return (value) => {
    if (!Array.isArray(value) || value.length === 0) return 'is no list with something in it';
    if (new Set(value).size !== value.length) return 'has something twice';
    const wrong = value.find((one) => !choices.includes(one));
    return wrong === undefined ? undefined : `${shown(wrong)} is none of ${choices.join(', ')}`;
  };
}

/** Labels of a user's: those that Kubernetes itself gives a meaning to are not. */
export const labels: Check = (value) => {
  if (!isObject(value)) return 'is no map of labels';
  const entries = Object.entries(value);
  if (entries.length > LABELS_MAX) return `has ${entries.length} labels, and ${LABELS_MAX} at most are read`;
  for (const [key, text] of entries) {
    if (!isLabelKey(key)) return `${shown(key)} is no label of a user's`;
    if (typeof text !== 'string' || text.length > 63 || (text !== '' && !LABEL_NAME.test(text)))
      return `${shown(text)} is no value of a label`;
  }
  return undefined;
};

export function isLabelKey(key: string): boolean {
  const parts = key.split('/');
  const [prefix, name] = parts.length === 1 ? ['', parts[0] ?? ''] : [parts[0] ?? '', parts[1] ?? ''];
  if (parts.length > 2 || name.length > 63 || !LABEL_NAME.test(name)) return false;
  if (parts.length === 1) return true;
  return prefix === 'app.kubernetes.io' || (isObjectName(prefix) && !/(^|\.)(kubernetes|k8s)\.io$/.test(prefix));
}

/** A value as it may stand in a message: somebody may have made it for those who read messages. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
