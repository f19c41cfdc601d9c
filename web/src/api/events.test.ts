import { describe, expect, it } from "vitest";
import { EventParser } from "./events";

const text = ': open\n\nevent: log\nid: 7\ndata: {"a":1}\n\n: alive\n\ndata: one\ndata: two\n\r\nevent: end\r\ndata: {}\r\n\r\n';
const want = [
  { event: "log", id: "7", data: '{"a":1}' },
  { event: "message", id: "7", data: "one\ntwo" },
  { event: "end", id: "7", data: "{}" },
];

describe("EventParser", () => {
  it("reads events whole", () => {
    expect(new EventParser().push(text)).toEqual(want);
  });

  it("reads events that are cut anywhere", () => {
    for (let size = 1; size < 9; size++) {
      const parser = new EventParser();
      const got = [];
      for (let i = 0; i < text.length; i += size) got.push(...parser.push(text.slice(i, i + size)));
      expect(got, `pieces of ${size}`).toEqual(want);
    }
  });

  it("keeps what has not ended", () => {
    const parser = new EventParser();
    expect(parser.push("data: half")).toEqual([]);
    expect(parser.push("\n\n")).toEqual([{ event: "message", id: "", data: "half" }]);
  });
});
