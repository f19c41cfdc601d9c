// Test events that are used again and again, kept in this browser by application.
const key = (application: string) => `fescue-events:${application}`;

export const savedEvents = {
  of(application: string): Record<string, string> {
    try {
      return JSON.parse(localStorage.getItem(key(application)) ?? "{}");
    } catch {
      return {};
    }
  },
  keep(application: string, events: Record<string, string>) {
    localStorage.setItem(key(application), JSON.stringify(events));
  },
};
