// RangeChoice chooses the time of which lines are shown. It is in the page's address.
import { NativeSelect, TextInput } from "@mantine/core";
import { useMemo } from "react";
import { useSearchParams } from "wouter";
import { choices, rangeOf } from "./range";

export function useRange() {
  const [search, setSearch] = useSearchParams();
  const [choice, from, to] = [search.get("time") ?? "", search.get("from") ?? "", search.get("to") ?? ""];
  const range = useMemo(() => rangeOf(choice, from, to, new Date()), [choice, from, to]);
  const choose = (key: string, value: string) =>
    setSearch((was) => {
      if (value) was.set(key, value);
      else was.delete(key);
      return was;
    });
  return { choice, from, to, range, choose };
}

export function RangeChoice({ choice, from, to, choose }: ReturnType<typeof useRange>) {
  return (
    <>
      <NativeSelect
        aria-label="Time"
        size="xs"
        value={choice}
        onChange={(e) => choose("time", e.currentTarget.value)}
        data={choices}
      />
      {choice === "between" && (
        <>
          <When label="From" value={from} onChange={(t) => choose("from", t)} />
          <When label="To" value={to} onChange={(t) => choose("to", t)} />
        </>
      )}
    </>
  );
}

const When = ({ label, value, onChange }: { label: string; value: string; onChange: (t: string) => void }) => (
  <TextInput
    type="datetime-local"
    step={1}
    size="xs"
    aria-label={label}
    value={value}
    onChange={(e) => onChange(e.currentTarget.value)}
  />
);
