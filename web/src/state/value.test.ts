import { expect, it } from "vitest";
import { base64Of, hexOf, textOf } from "./value";

it("takes text there and back", () => {
  expect(textOf(base64Of('{"größe": 3}'))).toBe('{"größe": 3}');
  expect(textOf("")).toBe("");
});

it("tells bytes that are no text", () => {
  const bytes = btoa("\xff\x00");
  expect(textOf(bytes)).toBeUndefined();
  expect(hexOf(bytes)).toBe("ff 00");
  expect(hexOf(btoa("abc"), 2)).toBe("61 62 …");
});
