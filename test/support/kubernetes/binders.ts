/** The part of Kubernetes' controller manager that binds volumes to claims and lets them go, beside an API server that has nothing else. */
import { join } from 'node:path';
import { ChildProgram } from '../child-program.ts';
import type { ApiServer } from './api-server.ts';
import { buildPrograms, programPath } from './binaries.ts';

const BINDERS = ['persistentvolume-binder', 'persistentvolumeclaim-protection', 'persistentvolume-protection'];

export async function startBinders(api: ApiServer): Promise<ChildProgram> {
  await buildPrograms(undefined, ['kube-controller-manager']);
  const controllers = `--controllers=${BINDERS.map((name) => `${name}-controller`).join(',')}`;
  const options = [`--kubeconfig=${api.kubeconfig()}`, '--secure-port=0', '--leader-elect=false', controllers];
  return ChildProgram.start([programPath('kube-controller-manager'), ...options], join(api.dir, 'binders.log'));
}
