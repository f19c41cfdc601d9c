// SpanChoice chooses how far back plots look. It is in the page's address.
import { SegmentedControl } from "@mantine/core";
import { useSearchParams } from "wouter";
import { type Span, spanOf, spans } from "./series";

export function useSpan(): [Span, (value: string) => void] {
  const [search, setSearch] = useSearchParams();
  return [
    spanOf(search.get("span")),
    (value) =>
      setSearch((was) => {
        was.set("span", value);
        return was;
      }),
  ];
}

export function SpanChoice({ span, onChange }: { span: Span; onChange: (value: string) => void }) {
  return (
    <SegmentedControl
      size="xs"
      aria-label="How far back"
      value={span.value}
      onChange={onChange}
      data={spans.map(({ value, label }) => ({ value, label }))}
    />
  );
}
