// Gathered is a state that much is added to: the page takes what came some times a second,
// however fast it comes.
export abstract class Gathered<S> {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private listeners = new Set<() => void>();

  constructor(
    protected state: S,
    private pause: number, // ms
  ) {}

  // taken is the state with all that came.
  protected abstract taken(): S;

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  get = () => this.state;

  flush = () => {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.put(this.taken());
  };

  protected later() {
    this.timer ??= setTimeout(this.flush, this.pause);
  }

  protected put(state: S) {
    this.state = state;
    for (const listener of this.listeners) listener();
  }
}
