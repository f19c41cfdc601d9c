// When is a moment as people say it, with the exact time at hand.
import { useSyncExternalStore } from "react";
import { ago, atTime } from "./words";

// One timer for all moments on the page.
class Ticker {
  private listeners = new Set<() => void>();
  private timer: ReturnType<typeof setInterval> | undefined;
  now = new Date();

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    this.timer ??= setInterval(this.tick, 20_000);
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    };
  };

  private tick = () => {
    this.now = new Date();
    for (const listener of this.listeners) listener();
  };
}

const ticker = new Ticker();

// What is to come is until, what was is at: of that, clocks that differ make nothing to come.
export function When({ at, until }: { at?: string; until?: string }) {
  const now = useSyncExternalStore(ticker.subscribe, () => ticker.now);
  const then = new Date(at ?? until ?? "");
  return (
    <time dateTime={at ?? until} title={atTime(then)} className="nowrap">
      {ago(then, until ? now : new Date(Math.max(now.getTime(), then.getTime())))}
    </time>
  );
}
