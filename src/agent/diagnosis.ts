import type { Cluster } from '#ceph';

const SLOW_MS = 2000;
const LOOK_EVERY_MS = 1000;
const REPEAT_MS = 5000;

/** Asks the monitors what is wrong while some call takes long, so that its caller can be told more than "no answer". */
export class Diagnosis {
  readonly #cluster: Cluster;
  readonly #oldestCall: () => number;
  readonly #timer: NodeJS.Timeout;
  #asked = 0;
  #text: string | undefined;

  /** `oldestCall`: when the C call that waits longest began, in milliseconds since the epoch. */
  constructor(cluster: Cluster, oldestCall: () => number) {
    this.#cluster = cluster;
    this.#oldestCall = oldestCall;
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** What the monitors last said. */
  get text(): string {
    return this.#text ?? 'the monitors were not asked yet';
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = Date.now();
    if (now - this.#oldestCall() < SLOW_MS || now - this.#asked < REPEAT_MS) return;
    this.#asked = now;
    this.#text = 'the monitors do not answer';
    this.#cluster.monCommand({ prefix: 'health' }).then(
      (answer) => {
        this.#text = `the monitors answer (${summarise(answer)}), so an OSD or a placement group does not`;
      },
      () => undefined,
    );
  }
}

function summarise(answer: string): string {
  const health: { status?: string; checks?: Record<string, { summary?: { message?: string } }> } = JSON.parse(answer);
  const checks = Object.values(health.checks ?? {}).map((check) => check.summary?.message ?? '');
  return [health.status ?? '', ...checks].filter((part) => part !== '').join('; ');
}
