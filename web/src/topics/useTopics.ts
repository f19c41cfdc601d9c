// useTopics is the topics of a device with their rates.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { topics } from "../api/queries";
import { RateBook, type TopicRate } from "./rates";

// Books outlive the pages that look into them, so that a plot does not begin anew.
const books = new Map<string, RateBook>();

export function useTopics(device: string) {
  const query = useQuery({ ...topics(device), enabled: device !== "" });
  const at = query.dataUpdatedAt;
  const rates = useMemo<TopicRate[]>(() => {
    const book = books.get(device) ?? new RateBook();
    books.set(device, book);
    return query.data ? book.note(query.data, at) : [];
  }, [device, query.data, at]);
  return { query, rates };
}
