import { Failure } from '#lib/failure';

/** A field that has to be there and is not. */
export function missing(field: string): Failure {
  return new Failure('invalid', 'FIELD_MISSING', `${field} is missing`);
}

/** A field whose value cannot be served; `what` continues the sentence. Never holds the value of a secret. */
export function invalid(field: string, what: string): Failure {
  return new Failure('invalid', 'FIELD_INVALID', `${field} ${what}`);
}

/** Returns the text of a required field. */
export function required(field: string, text: string): string {
  if (text === '') throw missing(field);
  return text;
}
