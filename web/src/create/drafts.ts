// Drafts: what was edited and not yet deployed, kept in this browser so that a closed
// tab, a crash or a restarted server loses nothing.
import { useSyncExternalStore } from "react";
import type { Files } from "./archive";

export interface Draft {
  config: string;
  files: Files;
  base: string; // digest of the artifact that the files came from; "" for a new application
  savedAt: string;
}

const prefix = "fescue-draft:";

class Drafts {
  private listeners = new Set<() => void>();
  private known: Record<string, Draft> | undefined;

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    window.addEventListener("storage", this.changed); // another tab
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size === 0) window.removeEventListener("storage", this.changed);
    };
  };

  all = (): Record<string, Draft> => {
    if (this.known) return this.known;
    this.known = {};
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(prefix)) continue;
      try {
        this.known[key.slice(prefix.length)] = JSON.parse(localStorage.getItem(key) ?? "");
      } catch {
        localStorage.removeItem(key); // not written by this console
      }
    }
    return this.known;
  };

  // put keeps a draft; false if the browser has no room or keeps nothing.
  put(name: string, draft: Draft): boolean {
    try {
      localStorage.setItem(prefix + name, JSON.stringify(draft));
    } catch {
      return false;
    }
    this.changed();
    return true;
  }

  drop(name: string) {
    localStorage.removeItem(prefix + name);
    this.changed();
  }

  private changed = () => {
    this.known = undefined;
    for (const listener of this.listeners) listener();
  };
}

export const drafts = new Drafts();

export const useDrafts = () => useSyncExternalStore(drafts.subscribe, drafts.all);

// newDraft is the name of the draft of an application that is not stored yet.
export const newDraft = "";
