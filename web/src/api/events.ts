// Server-sent events (the HTML standard, section 9.2), read with fetch rather than
// EventSource: that hides why a stream could not be opened and cannot resume one it
// has closed itself.

export interface ServerEvent {
  event: string;
  id: string;
  data: string;
}

// EventParser turns pieces of text, cut anywhere, into events.
export class EventParser {
  private rest = "";
  private event = "";
  private id = "";
  private data: string[] = [];

  push(text: string): ServerEvent[] {
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    const events: ServerEvent[] = [];
    for (const line of lines) {
      if (line === "") this.dispatch(events);
      else this.field(line);
    }
    return events;
  }

  private dispatch(events: ServerEvent[]) {
    if (this.data.length > 0) events.push({ event: this.event || "message", id: this.id, data: this.data.join("\n") });
    this.event = "";
    this.data = [];
  }

  private field(line: string) {
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment, which shows that the stream lives
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.event = value;
    else if (name === "id") this.id = value;
    else if (name === "data") this.data.push(value);
  }
}
