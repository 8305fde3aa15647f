/** What pods may do: rows of the tables in docs/privileges.md, and the same rows from what the chart renders. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Manifest, ofKind, podsOf } from './rendered.ts';

const PAGE = join(import.meta.dirname, '../../docs/privileges.md');

/** The cells of the table under a heading, in an order that says nothing. */
export function documentedRows(heading: string, columns: number): readonly string[][] {
  const [, section = ''] = readFileSync(PAGE, 'utf8').split(`\n## ${heading}\n`);
  const [body = ''] = section.split('\n## ');
  const lines = body.split('\n').filter((line) => line.startsWith('|'));
  const rows = lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  return rows
    .slice(2)
    .map((row) => row.slice(0, columns))
    .toSorted();
}

/** Pod, container, user, privileged, capabilities, root file system. */
export function containerRows(manifests: readonly Manifest[]): readonly string[][] {
  return podsOf(manifests).flatMap(({ component, spec }) =>
    spec.containers.map((container: Manifest) => {
      const own = { ...spec.securityContext, ...container.securityContext };
      const dropsAll = own.capabilities?.drop?.includes('ALL') === true && own.capabilities.add === undefined;
      return [
        component,
        container.name,
        String(own.runAsUser),
        own.privileged === true ? 'yes' : 'no',
        own.privileged === true ? 'all' : dropsAll ? 'none' : 'some',
        own.readOnlyRootFilesystem === true ? 'read-only' : 'writable',
      ];
    }),
  );
}

/** Pod, seccomp, network, service account's token. */
export function podRows(manifests: readonly Manifest[]): readonly string[][] {
  return podsOf(manifests).map(({ component, spec }) => [
    component,
    spec.securityContext.seccompProfile.type,
    spec.hostNetwork === true ? 'host' : 'own',
    spec.automountServiceAccountToken === false ? 'no' : 'yes',
  ]);
}

/** Pod, container, path on the host, propagation. */
export function hostPathRows(manifests: readonly Manifest[]): readonly string[][] {
  return podsOf(manifests).flatMap(({ component, spec }) => {
    const paths = new Map<string, string>(
      (spec.volumes ?? [])
        .filter((volume: Manifest) => volume.hostPath !== undefined)
        .map((volume: Manifest) => [volume.name, volume.hostPath.path]),
    );
    return spec.containers.flatMap((container: Manifest) =>
      (container.volumeMounts ?? [])
        .filter((mount: Manifest) => paths.has(mount.name))
        .map((mount: Manifest) => [component, container.name, paths.get(mount.name), mount.mountPropagation ?? 'none']),
    );
  });
}

/** Role, where it holds, API group, resources, names, verbs. */
export function ruleRows(manifests: readonly Manifest[]): readonly string[][] {
  return ofKind(manifests, 'ClusterRole', 'Role').flatMap((role) =>
    role.rules.map((rule: Manifest) => [
      role.metadata.name,
      role.kind === 'ClusterRole' ? 'everywhere' : role.metadata.namespace,
      rule.apiGroups.map((group: string) => (group === '' ? 'core' : group)).join(', '),
      rule.resources.join(', '),
      rule.resourceNames?.join(', ') ?? 'all',
      rule.verbs.join(', '),
    ]),
  );
}
