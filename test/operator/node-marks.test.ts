/** Which nodes are marked as lost for Kubernetes' taint. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Node, planMarks } from '../../src/operator/nodes/plan.ts';
import type { LostNodes, NodeMark } from '../../src/rbd/specs.ts';

const node = (name: string, ...taints: readonly string[]): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  spec: { taints: taints.map((key) => ({ key })) },
});
const OUT = 'node.kubernetes.io/out-of-service';
const nothing: LostNodes = { everywhere: [], byTaint: [] };
const mark = (name: string, lost: boolean): NodeMark => ({ node: name, lost, by: 'taint' });

const cases: Record<string, { nodes: readonly Node[]; seen: LostNodes; marks: readonly NodeMark[] }> = {
  'nodes without taints need nothing': { nodes: [node('a'), node('b', 'other')], seen: nothing, marks: [] },
  'a node that is out of service is lost': { nodes: [node('a', OUT), node('b')], seen: nothing, marks: [mark('a', true)] },
  'a node that is marked in every place is not marked again': {
    nodes: [node('a', 'other', OUT)],
    seen: { everywhere: ['a'], byTaint: ['a'] },
    marks: [],
  },
  'a place that came later has it marked there': {
    nodes: [node('a', OUT)],
    seen: { everywhere: [], byTaint: ['a'] },
    marks: [mark('a', true)],
  },
  'a node that lost its taint is back': {
    nodes: [node('a')],
    seen: { everywhere: ['a'], byTaint: ['a'] },
    marks: [mark('a', false)],
  },
  'what a person said stays': { nodes: [node('a')], seen: { everywhere: ['a'], byTaint: [] }, marks: [] },
  'a node that was deleted stays lost': { nodes: [], seen: { everywhere: ['a'], byTaint: ['a'] }, marks: [] },
};
for (const [name, { nodes, seen, marks }] of Object.entries(cases)) {
  test(name, () => assert.deepEqual(planMarks(nodes, seen), marks));
}
