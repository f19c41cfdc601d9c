// Pick chooses one of a list: the browser's own list while it is short, one with a search
// when it is long.
import { type ComboboxItem, type ComboboxParsedItem, NativeSelect, Select } from "@mantine/core";

export interface PickProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  data: string[];
  all?: string; // what stands for "", if one may choose none
  size?: "xs" | "sm";
  groupOf?: (value: string) => string; // under which heading it stands
  wordsOf?: (value: string) => string; // what else it is found by
  shown?: string; // label above it; without, the label is for screen readers
}

const short = 20;
const most = 50; // of a long list at once; the search narrows it

export function Pick({ label, value, onChange, data, all, size = "xs", groupOf, wordsOf, shown }: PickProps) {
  const none = all === undefined ? [] : [{ value: "", label: all }];
  const names = { "aria-label": shown ? undefined : label, label: shown };
  const options = [...none, ...(groupOf ? grouped(data, groupOf) : data.map(option))];
  if (data.length <= short) {
    return <NativeSelect {...names} size={size} value={value} onChange={(e) => onChange(e.currentTarget.value)} data={options} />;
  }
  return (
    <Select
      {...names}
      size={size}
      searchable
      filter={({ options, search }) => found(options, search.trim().toLowerCase(), wordsOf)}
      value={value}
      onChange={(v) => onChange(v ?? "")}
      data={options}
      allowDeselect={false}
      nothingFoundMessage="None of this name"
      maxDropdownHeight={320}
    />
  );
}

const option = (value: string) => ({ value, label: value });

function grouped(data: string[], groupOf: (value: string) => string) {
  const groups = new Map<string, ComboboxItem[]>();
  for (const d of data) {
    const group = groupOf(d);
    const there = groups.get(group);
    if (there) there.push(option(d));
    else groups.set(group, [option(d)]);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([group, items]) => ({ group, items }));
}

// found are the options that fit a search, by their name, their heading, or other words.
function found(options: ComboboxParsedItem[], search: string, wordsOf?: (value: string) => string): ComboboxParsedItem[] {
  let room = most;
  const fits = (o: ComboboxItem, heading = "") =>
    room > 0 && `${o.label} ${heading} ${wordsOf?.(o.value) ?? ""}`.toLowerCase().includes(search) && room-- > 0;
  return options.flatMap((o): ComboboxParsedItem[] => {
    if (!("group" in o)) return fits(o as ComboboxItem) ? [o] : [];
    const items = (o.items as ComboboxItem[]).filter((i) => fits(i, String(o.group)));
    return items.length > 0 ? [{ ...o, items }] : [];
  });
}
