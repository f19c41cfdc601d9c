// ConnectionBanner says when what the reader sees may be old. It lies over the page,
// so that nothing moves when it comes and goes.
import { Loader } from "@mantine/core";
import { useEffect, useState } from "react";
import { useConnection } from "../api/live";

// A stream that is cut and opened again at once is nobody's concern.
const patience = 800;

export function ConnectionBanner() {
  const state = useConnection();
  const lost = state.kind === "waiting" || state.kind === "failed";
  const [shown, setShown] = useState(false);
  useEffect(() => {
    if (!lost) return setShown(false);
    const timer = setTimeout(() => setShown(true), patience);
    return () => clearTimeout(timer);
  }, [lost]);
  return (
    <div role="status" aria-live="polite" className="banner" data-shown={shown || undefined}>
      {shown && (
        <>
          <Loader size={12} color="currentColor" aria-hidden />
          {navigator.onLine ? "The server does not answer. Reconnecting…" : "This device has no network. Waiting for it…"}
        </>
      )}
    </div>
  );
}
