/**
 * The errno behind a program's complaint, which ends in what strerror says in the C locale. Programs and QMP carry no number;
 * for all that has one there is `isErrno`.
 */
const TEXTS: Readonly<Record<string, string>> = {
  'Cannot send after transport endpoint shutdown': 'ESHUTDOWN',
  'Connection timed out': 'ETIMEDOUT',
  'Function not implemented': 'ENOSYS',
  'Device or resource busy': 'EBUSY',
  'Input/output error': 'EIO',
  'Invalid argument': 'EINVAL',
  'No such device or address': 'ENXIO',
  'No such file or directory': 'ENOENT',
  'Numerical result out of range': 'ERANGE',
  'Operation not permitted': 'EPERM',
  'Operation not supported': 'EOPNOTSUPP',
  'Permission denied': 'EACCES',
  'Read-only file system': 'EROFS',
};

/** '' for a text that ends in none of the table. */
export function errnoOfText(text: string): string {
  return TEXTS[(text.split(': ').at(-1) ?? '').trim()] ?? '';
}
