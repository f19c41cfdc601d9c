import { describe, expect, it } from "vitest";
import { type Graph, graphOf } from "./graph";

const app = (name: string, publish: string[], subscribe: string[]) => ({
  name,
  state: "running",
  grants: { publish, subscribe },
  causes: [] as string[],
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
const lines = (g: Graph) => g.edges.map((e) => `${e.from} ${e.used ? "=" : "-"}> ${e.to} ${e.shared ? "shared" : e.rate}`);
const notes = (g: Graph) => g.nodes.filter((n) => n.kind === "topic").map((n) => n.note);

describe("graphOf", () => {
  it("connects who publishes, the topic, and who subscribes, with the rate", () =>
    expect(
      lines(
        graphOf(
          [app("client", ["a"], []), app("server", [], ["a"])],
          [topic("a", { publishedBy: ["client"], subscribedBy: ["server"] })],
        ),
      ),
    ).toEqual(["app:client => topic:a 4", "topic:a => app:server 4"]));

  it("tells what is granted only from what is used", () =>
    expect(
      lines(
        graphOf(
          [app("x", ["a"], []), app("y", ["#"], ["#"]), app("z", [], ["a"])],
          [topic("a", { publishedBy: ["x"], subscribedBy: ["z"] })],
        ),
      ),
    ).toEqual(["app:x => topic:a 4", "app:y -> topic:a 0", "topic:a -> app:y 0", "topic:a => app:z 4"]));

  it("does not say how much each publishes where several do", () =>
    expect(lines(graphOf([app("x", ["a"], []), app("y", ["a"], [])], [topic("a", { publishedBy: ["x", "y"] })]))).toEqual([
      "app:x => topic:a shared",
      "app:y => topic:a shared",
    ]));

  it("shows what else has an application called", () => {
    const g = graphOf([{ ...app("x", [], []), causes: ["every 10s", "POST /x"] }], []);
    expect(g.nodes.map((n) => [n.kind, n.name])).toEqual([
      ["application", "x"],
      ["trigger", "every 10s"],
      ["trigger", "POST /x"],
    ]);
    expect(lines(g)).toEqual(["trigger:x:every 10s => app:x 0", "trigger:x:POST /x => app:x 0"]);
  });

  it("shows clients from outside", () => {
    const g = graphOf([], [topic("a", { publishedBy: ["@nats"], subscribedBy: ["@nats", "@agent"] })]);
    expect(g.nodes.map((n) => n.name)).toEqual(["a", "MQTT and NATS clients"]);
    expect(lines(g)).toEqual(["outside:@nats => topic:a 4", "topic:a => outside:@nats 4"]);
  });

  it("says what nobody hears; who looks on from the console is no hearer", () =>
    expect(notes(graphOf([], [topic("a", { subscribedBy: ["@agent"] }), topic("b", { messages: 0 })]))).toEqual([
      "nobody hears it",
      "nothing published yet",
    ]));

  it("shows permissions that nothing uses, and none of the device's own topics", () => {
    const g = graphOf(
      [app("x", ["out/+"], ["in", "$fescue/invoke/x"])],
      [topic("out/1"), topic("$fescue/invoke/x"), topic("out/+")],
    );
    expect(g.nodes.map((n) => [n.name, n.note])).toEqual([
      ["x", ""],
      ["out/1", "nobody hears it"],
      ["in", "granted, not used"],
    ]);
    expect(lines(g)).toContain("topic:in -> app:x 0");
  });
});
