import { describe, expect, it } from "vitest";
import type { Graph } from "./graph";
import { around, busiest, clustered, narrowed } from "./view";

const node = (id: string, kind: "application" | "topic" = "application", note = "") => ({
  id,
  kind,
  name: id,
  note,
  state: "running",
  rate: 0,
});
const edge = (from: string, to: string, rate = 0, used = true) => ({
  id: `${from} → ${to}`,
  from,
  to,
  rate,
  shared: false,
  used,
});
const ids = (g: Graph) => g.nodes.map((n) => n.id).sort();

const chain: Graph = {
  nodes: [node("a"), node("t", "topic"), node("b"), node("u", "topic", "nobody hears it"), node("c")],
  edges: [edge("a", "t", 3), edge("t", "b", 3), edge("b", "u"), edge("c", "u", 0, false)],
};

describe("around", () => {
  it("keeps what one looks for, its topics and who else is on them", () =>
    expect(ids(around(chain, "A"))).toEqual(["a", "b", "t"]));
  it("keeps everything for nothing", () => expect(around(chain, " ")).toBe(chain));
});

describe("narrowed", () => {
  it("to what flows", () => expect(ids(narrowed(chain, "flowing"))).toEqual(["a", "b", "t"]));
  it("to what somebody should look at", () => expect(ids(narrowed(chain, "findings"))).toEqual(["c", "u"]));
});

const sensors = (n: number): Graph => {
  const numbers = Array.from({ length: n }, (_, i) => i);
  return {
    nodes: [node("all"), ...numbers.flatMap((i) => [node(`sensor-${i}`), node(`home/${i}`, "topic")])],
    edges: numbers.flatMap((i) => [edge(`sensor-${i}`, `home/${i}`, 2), edge(`home/${i}`, "all", 2)]),
  };
};

describe("clustered", () => {
  it("draws very many alike as one, with all that flows", () => {
    const g = clustered(sensors(200));
    expect(g.nodes.map((n) => [n.name, n.of])).toEqual([
      ["all", undefined],
      ["sensor-…", 200],
      ["home/…", 200],
    ]);
    expect(g.edges.map((e) => [e.from, e.to, e.rate])).toEqual([
      ["apps:sensor-0", "topics:home", 400],
      ["topics:home", "all", 400],
    ]);
  });

  it("leaves a small graph as it is", () => expect(clustered(chain)).toBe(chain));

  it("does not put together what talks to others", () => {
    const g = sensors(30);
    g.nodes.push(node("odd", "topic"));
    g.edges.push(edge("sensor-7", "odd", 1));
    expect(clustered(g).nodes.find((n) => n.id === "sensor-7")?.of).toBeUndefined();
  });
});

it("busiest keeps those with the most traffic", () => expect(ids(busiest(chain, 3))).toEqual(["a", "b", "t"]));
