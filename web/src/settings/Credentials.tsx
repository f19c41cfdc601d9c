// Credentials: logins for MQTT and NATS clients, with the topics that each may use.
import { ActionIcon, Button, Group, Modal, NativeSelect, Stack, TagsInput, Text, TextInput, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answer, api, type Schemas } from "../api/client";
import { devices } from "../api/queries";
import { Loaded } from "../parts/Loaded";
import { type Column, Table } from "../parts/Table";
import { Trouble } from "../parts/Trouble";
import { When } from "../parts/When";
import { Secret } from "./Secret";

type Credential = Schemas["Credential"];

const key = ["credentials"];

export function Credentials() {
  const query = useQuery({ queryKey: key, queryFn: async () => (await answer(api.GET("/v1/credentials"))).items });
  const [making, { open, close }] = useDisclosure(false);
  const [revoking, setRevoking] = useState<Credential>();
  return (
    <Stack component="section" gap="sm">
      <Group justify="space-between">
        <Title order={2}>Credentials of MQTT and NATS clients</Title>
        <Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={open}>
          New credential
        </Button>
      </Group>
      <Loaded query={query} height={100}>
        {(all) =>
          all.length === 0 ? (
            <Text size="sm" c="dimmed">
              None. Sensors, Node-RED and other clients that are no applications need one each.
            </Text>
          ) : (
            <Table label="Credentials" columns={columns(setRevoking)} rows={all} id={(c) => c.name} />
          )
        }
      </Loaded>
      {making && <Make onClose={close} />}
      {revoking && <Revoke credential={revoking} onClose={() => setRevoking(undefined)} />}
    </Stack>
  );
}

const columns = (revoke: (c: Credential) => void): Column<Credential>[] => [
  { name: "Name", width: "minmax(100px, 1fr)", cell: (c) => <strong>{c.name}</strong> },
  { name: "Publishes", width: "minmax(110px, 1.5fr)", from: "sm", cell: (c) => topics(c.publish) },
  { name: "Subscribes", width: "minmax(110px, 1.5fr)", from: "sm", cell: (c) => topics(c.subscribe) },
  { name: "On", width: "minmax(80px, 1fr)", cell: (c) => c.device || "every device" },
  { name: "Made", width: "minmax(100px, 1fr)", from: "md", cell: (c) => <When at={c.createdAt} /> },
  {
    name: "Actions",
    hideName: true,
    width: "36px",
    cell: (c) => (
      <ActionIcon variant="subtle" color="gray" aria-label={`Revoke ${c.name}`} onClick={() => revoke(c)}>
        <IconTrash size={16} />
      </ActionIcon>
    ),
  },
];

const topics = (list: string[]) =>
  list.length ? <span title={list.join("\n")}>{list.join(", ")}</span> : <span className="faint">nothing</span>;

function Make({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const machines = useQuery(devices).data ?? [];
  const [name, setName] = useState("");
  const [publish, setPublish] = useState<string[]>([]);
  const [subscribe, setSubscribe] = useState<string[]>([]);
  const [device, setDevice] = useState("");
  const make = useMutation({
    mutationFn: () => answer(api.POST("/v1/credentials", { body: { name, publish, subscribe, ...(device ? { device } : {}) } })),
    onSuccess: () => client.invalidateQueries({ queryKey: key }),
  });
  if (make.data) {
    return (
      <Secret title={`${make.data.credential.name} is made`} what="Password" secret={make.data.secret} onClose={onClose}>
        Its password is shown now and never again:
      </Secret>
    );
  }
  return (
    <Modal opened onClose={onClose} title="New credential" transitionProps={{ duration: 0 }}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          make.mutate();
        }}
      >
        <Stack gap="sm">
          <TextInput
            label="Name"
            description="The client’s user name"
            required
            data-autofocus
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
          />
          <TagsInput
            label="May publish to"
            description="Topics or filters; Enter adds one"
            value={publish}
            onChange={setPublish}
          />
          <TagsInput
            label="May subscribe to"
            description="Topic filters: + one level, # the rest"
            value={subscribe}
            onChange={setSubscribe}
          />
          <NativeSelect
            label="On"
            value={device}
            onChange={(e) => setDevice(e.currentTarget.value)}
            data={[{ value: "", label: "every device" }, ...machines.map((d) => d.id)]}
          />
          {make.error && <Trouble error={make.error} title="Not made" />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={make.isPending} disabled={!name}>
              Make it
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function Revoke({ credential, onClose }: { credential: Credential; onClose: () => void }) {
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => answer(api.DELETE("/v1/credentials/{name}", { params: { path: { name: credential.name } } })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: key });
      onClose();
    },
  });
  return (
    <Modal opened onClose={onClose} title={`Revoke ${credential.name}?`} transitionProps={{ duration: 0 }}>
      <Stack gap="sm">
        <Text size="sm">Clients that use it are disconnected and cannot come back with it.</Text>
        {revoke.error && <Trouble error={revoke.error} title="Not revoked" />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Keep it
          </Button>
          <Button color="red" loading={revoke.isPending} onClick={() => revoke.mutate()}>
            Revoke
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
