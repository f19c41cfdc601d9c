// Live: one stream of events for the whole console. It keeps what pages show fresh,
// and its state is the console's connection.
import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from "react";
import type { StoredEvent } from "./client";
import { follow, type StreamState } from "./follow";
import { touchedBy } from "./queries";

const Connection = createContext<StreamState>({ kind: "connecting" });

export const useConnection = () => useContext(Connection);

// Events come in bursts; pages are refreshed at most this often.
const refreshPause = 300;

export function Live({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [state, setState] = useState<StreamState>({ kind: "connecting" });
  const touched = useRef(new Set<string>());
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const refresh = () => {
      timer = undefined;
      for (const key of touched.current) void client.invalidateQueries({ queryKey: [key] });
      touched.current.clear();
    };
    let lost = false;
    const end = follow("/v1/events?tail=1", {
      onEvent: (e) => {
        for (const key of touchedBy(JSON.parse(e.data) as StoredEvent)) touched.current.add(key);
        timer ??= setTimeout(refresh, refreshPause);
      },
      onState: (s) => {
        setState(s);
        if (s.kind === "waiting") lost = true;
        if (s.kind === "open" && lost) {
          lost = false;
          void client.invalidateQueries(); // whatever happened meanwhile
        }
      },
    });
    return () => {
      clearTimeout(timer);
      end();
    };
  }, [client]);
  return <Connection.Provider value={state}>{children}</Connection.Provider>;
}
