import { expect, it } from "vitest";
import { needs } from "./attention";

const deployment = (id: number, name: string, status: string) =>
  ({ id, name, version: "1.0.0", status, devices: [{ device: "pi", message: "no room" }] }) as never;

it("lists failing applications, the newest deployments that failed, and devices that are away", () => {
  const apps = [
    { name: "a", placements: [{ name: "a", device: "pi", state: "failed", desired: "running", message: "exit status 1" }] },
    { name: "b", placements: [] },
    { name: "c", placements: [] },
  ] as never;
  const list = needs(
    apps,
    [
      deployment(3, "b", "failed"),
      deployment(2, "c", "succeeded"),
      deployment(1, "c", "failed"),
      deployment(4, "gone", "failed"),
    ],
    [
      { id: "pi", connected: true },
      { id: "attic", connected: false },
    ] as never,
  );
  expect(list.map((n) => [n.title, n.reason])).toEqual([
    ["a has failed on pi", "exit status 1"],
    ["b 1.0.0 could not be deployed", "no room"],
    ["attic is not connected", "What runs on it goes on running."],
  ]);
});

it("is empty when all is well", () => expect(needs([], [deployment(1, "a", "succeeded")], [])).toEqual([]));
