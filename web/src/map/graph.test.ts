import { describe, expect, it } from "vitest";
import { graphOf } from "./graph";

const app = (name: string, publish: string[], subscribe: string[]) => ({
  name,
  state: "running",
  grants: { publish, subscribe },
});
const topic = (name: string, more = {}) => ({
  topic: name,
  messages: 10,
  publishers: 1,
  subscribers: 1,
  rate: 4,
  history: [],
  ...more,
});
const lines = (g: ReturnType<typeof graphOf>) => g.edges.map((e) => `${e.from} ${e.used ? "=" : "-"}> ${e.to} ${e.rate}`);
const none = new Map<string, Set<string>>();

describe("graphOf", () => {
  it("connects who publishes, the topic, and who subscribes", () =>
    expect(lines(graphOf([app("client", ["a"], []), app("server", [], ["a"])], [topic("a")], none))).toEqual([
      "app:client => topic:a 4",
      "topic:a => app:server 4",
    ]));

  it("draws who was seen, and who only may", () => {
    const g = graphOf([app("x", ["a"], []), app("y", ["#"], [])], [topic("a")], new Map([["a", new Set(["x"])]]));
    expect(lines(g)).toEqual(["app:x => topic:a 4", "app:y -> topic:a 0"]);
  });

  it("shows clients from outside", () => {
    const g = graphOf([], [topic("a")], new Map([["a", new Set(["sensor", "cli"])]]));
    expect(g.nodes.map((n) => [n.id, n.kind])).toEqual([
      ["topic:a", "topic"],
      ["outside:sensor", "outside"],
      ["outside:cli", "outside"],
    ]);
    expect(lines(g)).toEqual(["outside:sensor => topic:a 2", "outside:cli => topic:a 2"]);
  });

  it("says what nobody hears", () =>
    expect(
      graphOf([], [topic("a", { subscribers: 0 }), topic("b", { messages: 0, publishers: 0 })], none).nodes.map((n) => n.note),
    ).toEqual(["nobody hears it", "nothing published yet"]));

  it("shows permissions that nothing uses", () => {
    const g = graphOf([app("x", ["out/+"], ["in"])], [topic("out/1")], none);
    expect(g.nodes.find((n) => n.name === "in")!.note).toBe("granted, not used");
    expect(lines(g)).toContain("topic:in -> app:x 0");
    expect(g.nodes.some((n) => n.name === "out/+")).toBe(false);
  });
});
