// StateTab is what an application keeps under keys on a device: to look at, change and delete.
import { Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { answer, api, type Application, type Schemas } from "../api/client";
import { DevicePick } from "../devices/DevicePick";
import { Empty } from "../parts/Empty";
import { type Column, Table } from "../parts/Table";
import { Trouble } from "../parts/Trouble";
import { When } from "../parts/When";
import { bytes, number } from "../parts/words";
import { KeyDialog } from "./KeyDialog";

type StateKey = Schemas["StateKey"];

export function StateTab({ app }: { app: Application }) {
  const [device, setDevice] = useState(app.placements[0]?.device ?? "");
  if (!device) return <Empty title="Not on a device">State is kept where an application runs. Deploy it first.</Empty>;
  return (
    <Keys
      key={device}
      name={app.name}
      device={device}
      choice={
        app.placements.length > 1 && (
          <DevicePick label="Device" value={device} onChange={setDevice} ids={app.placements.map((p) => p.device)} />
        )
      }
    />
  );
}

function Keys({ name, device, choice }: { name: string; device: string; choice: React.ReactNode }) {
  const [prefix, setPrefix] = useState("");
  const [open, setOpen] = useState<{ key: string; fresh: boolean }>();
  const wanted = useDeferredValue(prefix);
  const query = useInfiniteQuery({
    queryKey: ["state", name, device, wanted],
    initialPageParam: "",
    queryFn: ({ pageParam: cursor }) =>
      answer(
        api.GET("/v1/applications/{name}/state", {
          params: { path: { name }, query: { device, prefix: wanted, cursor, limit: 200 } },
        }),
      ),
    getNextPageParam: (last) => last.next || undefined,
    refetchInterval: 5_000,
    placeholderData: keepPreviousData,
  });
  const first = query.data?.pages[0];
  const keys = query.data?.pages.flatMap((p) => p.items) ?? [];
  return (
    <Stack gap="sm">
      <Group gap="xs">
        {choice}
        <TextInput
          className="grow"
          size="xs"
          aria-label="Keys that begin with"
          placeholder="Keys that begin with…"
          spellCheck={false}
          value={prefix}
          onChange={(e) => setPrefix(e.currentTarget.value)}
        />
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => setOpen({ key: "", fresh: true })}
        >
          New key
        </Button>
      </Group>
      {query.error && <Trouble error={query.error} onRetry={() => void query.refetch()} />}
      {first && keys.length === 0 && (
        <Text size="sm" c="dimmed">
          {wanted ? "No key begins so." : "It keeps nothing. Its code does, with state.put."}
        </Text>
      )}
      {keys.length > 0 && (
        <Table label="Keys" columns={columns((key) => setOpen({ key, fresh: false }))} rows={keys} id={(k) => k.key} />
      )}
      {query.hasNextPage && (
        <Button variant="default" size="xs" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          More keys
        </Button>
      )}
      {first && (
        <Text size="xs" c="dimmed" role="status">
          {bytes(first.used)} of {bytes(first.quota)} in use on {device}
        </Text>
      )}
      {open && <KeyDialog name={name} device={device} at={open.key} fresh={open.fresh} onClose={() => setOpen(undefined)} />}
    </Stack>
  );
}

const columns = (open: (key: string) => void): Column<StateKey>[] => [
  {
    name: "Key",
    width: "minmax(120px, 3fr)",
    cell: (k) => (
      <button type="button" className="as-link" onClick={() => open(k.key)}>
        {k.key}
      </button>
    ),
  },
  { name: "Size", width: "minmax(70px, 1fr)", cell: (k) => bytes(k.size) },
  { name: "Revision", width: "minmax(80px, 1fr)", from: "sm", cell: (k) => number(k.revision) },
  { name: "Changed", width: "minmax(110px, 1fr)", from: "sm", cell: (k) => <When at={k.time} /> },
  {
    name: "Expires",
    width: "minmax(110px, 1fr)",
    from: "md",
    cell: (k) => (k.expires ? <When until={k.expires} /> : <span className="faint">never</span>),
  },
];
