import { METRICS, type MetricRow } from './metric-table.ts';

/** docs/metrics.md, made from the table. */
export function metricsPage(): string {
  const rows: readonly MetricRow[] = Object.values(METRICS);
  const lines = rows.map(({ name, kind, labels, help }) => {
    const list = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${kind} | ${list} | ${help} |`;
  });
  return `# Metrics

Made by \`make update\` from \`src/observability/metric-table.ts\`; a test holds the two together. Each role serves them at
\`/metrics\` of its health port, beside \`/healthz\` (the process turns its event loop) and \`/readyz\` (it can serve, else why not).
Times are seconds. The usual \`process_*\` and \`nodejs_*\` metrics come with them.

| Metric | Kind | Labels | What it says |
| --- | --- | --- | --- |
${lines.join('\n')}
`;
}
