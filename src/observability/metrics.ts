import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client';
import { METRICS, type MetricRow } from './metric-table.ts';

type Instrument<Row extends MetricRow> = Row extends { kind: 'counter' }
  ? Counter<Row['labels'][number]>
  : Row extends { kind: 'gauge' }
    ? Gauge<Row['labels'][number]>
    : Histogram<Row['labels'][number]>;

/** One instrument per row of the table, under the row's key. */
export type Instruments = { readonly [Key in keyof typeof METRICS]: Instrument<(typeof METRICS)[Key]> };

export interface Metrics extends Instruments {
  /** The text that Prometheus reads. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Each call makes a registry of its own, so two servers in one process (and tests) do not mix. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const made = Object.entries(METRICS).map(([key, row]) => [key, makeInstrument(row, registry)]);
  // The loop above goes over the same table that the type is derived from.
  const instruments = Object.fromEntries(made) as Instruments;
  return { ...instruments, text: () => registry.metrics(), contentType: registry.contentType };
}

function makeInstrument(row: MetricRow, registry: Registry): Counter<string> | Gauge<string> | Histogram<string> {
  const { name, help } = row;
  const configuration = { name, help, labelNames: [...row.labels], registers: [registry] };
  if (row.kind === 'counter') return new Counter(configuration);
  if (row.kind === 'gauge') return new Gauge(configuration);
  return new Histogram({ ...configuration, buckets: [...(row.buckets ?? [])] });
}
