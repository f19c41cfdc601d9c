// usePublishers learns from the messages themselves who publishes on which topic.
import { useEffect, useState } from "react";
import { follow } from "../api/follow";

const pause = 1500;
const mostTopics = 1000;

export function usePublishers(device: string): Map<string, Set<string>> {
  const [publishers, setPublishers] = useState(new Map<string, Set<string>>());
  useEffect(() => {
    if (!device) return;
    const seen = new Map<string, Set<string>>();
    let fresh = false;
    const end = follow(`/v1/devices/${encodeURIComponent(device)}/tail?filter=%23`, {
      onEvent: (e) => {
        if (e.event !== "message") return;
        const { topic, from } = JSON.parse(e.data) as { topic: string; from?: string };
        if (!from || (!seen.has(topic) && seen.size >= mostTopics)) return;
        const names = seen.get(topic) ?? new Set();
        if (names.has(from)) return;
        seen.set(topic, names.add(from));
        fresh = true;
      },
    });
    const timer = setInterval(() => {
      if (fresh) setPublishers(new Map(seen));
      fresh = false;
    }, pause);
    return () => {
      clearInterval(timer);
      end();
    };
  }, [device]);
  return publishers;
}
