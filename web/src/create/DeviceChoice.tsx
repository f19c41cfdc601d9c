// DeviceChoice says where something goes; with one device there is nothing to choose.
import { MultiSelect } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { devices } from "../api/queries";

export function DeviceChoice({
  value,
  onChange,
  label = "Devices",
}: {
  value: string[];
  onChange: (v: string[]) => void;
  label?: string;
}) {
  const all = useQuery(devices).data ?? [];
  const only = all.length === 1 ? all[0]!.id : "";
  useEffect(() => {
    if (only && value.length === 0) onChange([only]);
  }, [only, value.length, onChange]);
  if (all.length < 2) return null;
  return (
    <MultiSelect
      aria-label={label}
      placeholder={value.length === 0 ? "Choose devices" : undefined}
      size="sm"
      searchable
      limit={50}
      hidePickedOptions
      nothingFoundMessage="None of this name"
      maxDropdownHeight={320}
      value={value}
      onChange={onChange}
      data={all.map((d) => ({ value: d.id, label: d.connected ? d.id : `${d.id} (not connected)` }))}
      miw={200}
    />
  );
}
