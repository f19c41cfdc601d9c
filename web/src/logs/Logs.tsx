// Logs: what all applications write, as it comes.
import { Group, NativeSelect } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "wouter";
import { applications, devices } from "../api/queries";
import { Page } from "../parts/Page";
import { LogView } from "./LogView";

export default function Logs() {
  const [search, setSearch] = useSearchParams();
  const [application, device] = [search.get("application") ?? "", search.get("device") ?? ""];
  const apps = useQuery(applications).data ?? [];
  const machines = useQuery(devices).data ?? [];
  const choose = (key: string, value: string) =>
    setSearch((was) => {
      if (value) was.set(key, value);
      else was.delete(key);
      return was;
    });
  return (
    <Page title="Logs" note="What applications write, from all devices, as it comes.">
      <div>
        <Group gap="xs" mb="xs">
          <NativeSelect
            aria-label="Application"
            size="xs"
            value={application}
            onChange={(e) => choose("application", e.currentTarget.value)}
            data={[{ value: "", label: "all applications" }, ...apps.map((a) => a.name)]}
          />
          <NativeSelect
            aria-label="Device"
            size="xs"
            value={device}
            onChange={(e) => choose("device", e.currentTarget.value)}
            data={[{ value: "", label: "all devices" }, ...machines.map((d) => d.id)]}
          />
        </Group>
        <LogView application={application} device={device} height="calc(100vh - 270px)" />
      </div>
    </Page>
  );
}
