import { describe, expect, it } from "vitest";
import { RateBook, total } from "./rates";

const topic = (name: string, messages: number) => ({ topic: name, messages, publishers: 1, subscribers: 1 });

describe("RateBook", () => {
  it("divides what came by the time it took", () => {
    const book = new RateBook();
    expect(book.note([topic("a", 100)], 0)[0]!.rate).toBe(0);
    expect(book.note([topic("a", 120)], 2000)[0]!.rate).toBe(10);
    expect(book.note([topic("a", 120)], 4000)[0]).toMatchObject({ rate: 0, history: [10, 0] });
  });

  it("survives an agent that counts from zero again", () => {
    const book = new RateBook();
    book.note([topic("a", 1000)], 0);
    expect(book.note([topic("a", 4)], 1000)[0]!.rate).toBe(4);
  });

  it("does not count the same moment twice, and forgets topics that went", () => {
    const book = new RateBook();
    book.note([topic("a", 1)], 0);
    book.note([topic("a", 3)], 1000);
    expect(book.note([topic("a", 3)], 1000)[0]!.history).toEqual([2]);
    book.note([], 2000);
    expect(book.note([topic("a", 9)], 3000)[0]!.history).toEqual([]);
  });

  it("keeps a bounded history", () => {
    const book = new RateBook();
    for (let i = 0; i < 200; i++) book.note([topic("a", i)], i * 1000);
    expect(book.note([topic("a", 200)], 200_000)[0]!.history.length).toBe(60);
  });
});

it("total adds the newest together", () =>
  expect(total([{ history: [1, 2, 3] }, { history: [10] }] as never)).toEqual([1, 2, 13]));
