// Happened lists events, newest first, in sentences.
import { Text } from "@mantine/core";
import { Link } from "wouter";
import type { StoredEvent } from "../api/client";
import { Status, toneOf } from "../parts/Status";
import { When } from "../parts/When";
import { notable, sentence } from "./sentence";

export function Happened({ events, most = 30 }: { events: StoredEvent[]; most?: number }) {
  const shown = events.filter(notable).slice(0, most);
  if (shown.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        Nothing yet.
      </Text>
    );
  }
  return (
    <ul className="happened">
      {shown.map((e) => (
        <li key={e.id}>
          <Status state={e.status ?? ""} tone={e.kind === "denial" ? "bad" : toneOf(e.status ?? "")}>
            {e.kind === "denial" ? "denied" : undefined}
          </Status>
          <span className="breakable">
            {e.application ? (
              <Link href={e.deployment ? `/deployments/${e.deployment}` : `/applications/${e.application}`}>{sentence(e)}</Link>
            ) : (
              sentence(e)
            )}
            {e.message && <span className="faint"> {e.message}</span>}
          </span>
          <span className="faint">
            <When at={e.time} />
          </span>
        </li>
      ))}
    </ul>
  );
}
