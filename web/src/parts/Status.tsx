// Status is a state in words, with a dot that says at a glance how it is. The word is
// always there: colour alone tells some readers nothing.
import { Loader } from "@mantine/core";
import type { ReactNode } from "react";

export type Tone = "good" | "bad" | "busy" | "warn" | "idle";

const tones: Record<string, Tone> = {
  running: "good",
  succeeded: "good",
  deployed: "good",
  connected: "good",
  failed: "bad",
  denied: "bad",
  deploying: "busy",
  queued: "busy",
  started: "busy",
  restarting: "warn",
  disconnected: "warn",
  canceled: "warn",
};

export const toneOf = (state: string): Tone => tones[state] ?? "idle";

const words: Record<string, string> = { canceled: "cancelled" };

export function Status({ state, tone, children }: { state: string; tone?: Tone; children?: ReactNode }) {
  const is = tone ?? toneOf(state);
  return (
    <span className="status" data-tone={is}>
      {is === "busy" ? <Loader size={10} color="var(--fescue-busy)" aria-hidden /> : <span className="dot" aria-hidden />}
      <span>{children ?? words[state] ?? state}</span>
    </span>
  );
}
