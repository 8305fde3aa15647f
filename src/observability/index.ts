/**
 * What a running role shows of itself: log lines (JSON, secrets removed), metrics, and the port that serves them.
 * Nothing here is global: a role makes one logger and one set of metrics and hands them down. Start at metric-table.ts.
 */
export { serveHealth } from './http-server.ts';
export { createLogger, LOG_LEVELS, type Logger, type LogLevel } from './logger.ts';
export { createMetrics, type Metrics } from './metrics.ts';
export { metricsPage } from './metrics-page.ts';
