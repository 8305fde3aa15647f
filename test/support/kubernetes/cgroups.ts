/** A control group of each node's own: two kubelets in one group would end each other's pods as orphans. */
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';

/** Makes the group `name` (`a/b`) in every hierarchy; gives the path that kubelet takes. */
export function makeCgroup(name: string): string {
  for (const hierarchy of hierarchies()) {
    let path = hierarchy;
    for (const part of name.split('/')) {
      const parent = path;
      path = join(parent, part);
      mkdirSync(path, { recursive: true });
      inherit(parent, path);
    }
  }
  return `/${name}`;
}

/** Removes the group and all below it; their processes must have ended. */
export function dropCgroup(name: string): void {
  for (const hierarchy of hierarchies()) dropTree(join(hierarchy, name));
}

/** Folders of groups that there still are, for those who look for what was left. */
export function cgroupRemains(name: string): readonly string[] {
  return hierarchies()
    .map((hierarchy) => join(hierarchy, name))
    .filter((path) => existsSync(path));
}

function hierarchies(): readonly string[] {
  return isUnified() ? [ROOT] : globSync(`${ROOT}/*/`).map((path) => path.replace(/\/$/, ''));
}

function isUnified(): boolean {
  return existsSync(join(ROOT, 'cgroup.controllers'));
}

/** What a new group does not have by itself: processors in version 1, controllers for those below it in version 2. */
function inherit(parent: string, child: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (existsSync(join(child, file)) && !isUnified()) writeFileSync(join(child, file), readFileSync(join(parent, file)));
  }
  if (!isUnified()) return;
  const controllers = readFileSync(join(child, 'cgroup.controllers'), 'utf8').trim().split(' ');
  for (const controller of controllers.filter((word) => word !== '')) {
    writeFileSync(join(child, 'cgroup.subtree_control'), `+${controller}`);
  }
}

function dropTree(path: string): void {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) if (entry.isDirectory()) dropTree(join(path, entry.name));
  rmdirSync(path);
}
