// Pick chooses one of a list: the browser's own list while it is short, one with a search
// when it is long.
import { NativeSelect, Select } from "@mantine/core";

interface PickProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  data: string[];
  all?: string; // what stands for "", if one may choose none
  size?: "xs" | "sm";
}

const short = 20;
const shown = 50; // of a long list at once; the search narrows it

export function Pick({ label, value, onChange, data, all, size = "xs" }: PickProps) {
  const options = [...(all === undefined ? [] : [{ value: "", label: all }]), ...data.map((d) => ({ value: d, label: d }))];
  if (data.length <= short) {
    return (
      <NativeSelect
        aria-label={label}
        size={size}
        value={value}
        onChange={(e) => onChange(e.currentTarget.value)}
        data={options}
      />
    );
  }
  return (
    <Select
      aria-label={label}
      size={size}
      searchable
      limit={shown}
      value={value}
      onChange={(v) => onChange(v ?? "")}
      data={options}
      allowDeselect={false}
      nothingFoundMessage="None of this name"
      maxDropdownHeight={320}
    />
  );
}
