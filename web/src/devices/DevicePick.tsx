// DevicePick chooses one device: of all or of some, grouped by the label that parts them best,
// and found by any of their labels.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { devices } from "../api/queries";
import { labelsOf, partingKeys, partOf } from "../parts/labels";
import { Pick, type PickProps } from "../parts/Pick";

export function DevicePick({ ids, ...pick }: Omit<PickProps, "data" | "groupOf" | "wordsOf"> & { ids?: string[] }) {
  const all = useQuery(devices).data;
  const known = useMemo(() => new Map(all?.map((d) => [d.id, d])), [all]);
  const data = ids ?? [...known.keys()];
  const [key] = useMemo(() => partingKeys(data.flatMap((id) => known.get(id) ?? [])), [known, data.join("\n")]);
  return (
    <Pick
      {...pick}
      data={data}
      groupOf={key ? (id) => partOf(known.get(id), key) : undefined}
      wordsOf={(id) => labelsOf(known.get(id) ?? {}).join(" ")}
    />
  );
}
