// Tokens of the API: for scripts and other people, made here, shown once, revoked here.
import { ActionIcon, Button, Group, Modal, NativeSelect, Stack, Text, TextInput, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answer, api, type Schemas } from "../api/client";
import { Loaded } from "../parts/Loaded";
import { Status } from "../parts/Status";
import { type Column, Table } from "../parts/Table";
import { Trouble } from "../parts/Trouble";
import { When } from "../parts/When";
import { Secret } from "./Secret";

type Token = Schemas["TokenInfo"];

const key = ["tokens"];

export function Tokens() {
  const query = useQuery({ queryKey: key, queryFn: async () => (await answer(api.GET("/v1/tokens"))).items });
  const [making, { open, close }] = useDisclosure(false);
  const [revoking, setRevoking] = useState<Token>();
  return (
    <Stack component="section" gap="sm">
      <Group justify="space-between">
        <Title order={2}>API tokens</Title>
        <Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={open}>
          New token
        </Button>
      </Group>
      <Loaded query={query} height={100}>
        {(all) =>
          all.length === 0 ? (
            <Text size="sm" c="dimmed">
              None was made. Scripts, CI jobs and other people should each have one, so that it can be revoked alone.
            </Text>
          ) : (
            <Table label="API tokens" columns={columns(setRevoking)} rows={all} id={(t) => t.name} />
          )
        }
      </Loaded>
      {making && <Make onClose={close} />}
      {revoking && <Revoke token={revoking} onClose={() => setRevoking(undefined)} />}
    </Stack>
  );
}

const columns = (revoke: (t: Token) => void): Column<Token>[] => [
  { name: "Name", width: "minmax(100px, 1.5fr)", cell: (t) => <strong>{t.name}</strong> },
  {
    name: "Last used",
    width: "minmax(100px, 1fr)",
    cell: (t) => (t.lastUsedAt ? <When at={t.lastUsedAt} /> : <span className="faint">never</span>),
  },
  {
    name: "Expires",
    width: "minmax(100px, 1fr)",
    from: "sm",
    cell: (t) =>
      t.expired ? (
        <Status state="failed">expired</Status>
      ) : t.expiresAt ? (
        <When at={t.expiresAt} />
      ) : (
        <span className="faint">never</span>
      ),
  },
  { name: "Made", width: "minmax(100px, 1fr)", from: "md", cell: (t) => <When at={t.createdAt} /> },
  {
    name: "Actions",
    hideName: true,
    width: "36px",
    cell: (t) => (
      <ActionIcon variant="subtle" color="gray" aria-label={`Revoke ${t.name}`} onClick={() => revoke(t)}>
        <IconTrash size={16} />
      </ActionIcon>
    ),
  },
];

const times = [
  { value: "", label: "until it is revoked" },
  { value: "24h", label: "for a day" },
  { value: "720h", label: "for 30 days" },
  { value: "8760h", label: "for a year" },
];

function Make({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [good, setGood] = useState("720h");
  const make = useMutation({
    mutationFn: () => answer(api.POST("/v1/tokens", { body: { name, ...(good ? { for: good } : {}) } })),
    onSuccess: () => client.invalidateQueries({ queryKey: key }),
  });
  if (make.data) {
    return (
      <Secret title={`${make.data.info.name} is made`} what="Token" secret={make.data.token} onClose={onClose}>
        It may do what you may. It is shown now and never again:
      </Secret>
    );
  }
  return (
    <Modal opened onClose={onClose} title="New API token" transitionProps={{ duration: 0 }}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          make.mutate();
        }}
      >
        <Stack gap="sm">
          <TextInput
            label="Name"
            description="What it is for: small letters, digits, dashes"
            required
            data-autofocus
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
          />
          <NativeSelect label="Good" value={good} onChange={(e) => setGood(e.currentTarget.value)} data={times} />
          {make.error && <Trouble error={make.error} title="Not made" />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={make.isPending} disabled={!name}>
              Make token
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function Revoke({ token, onClose }: { token: Token; onClose: () => void }) {
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => answer(api.DELETE("/v1/tokens/{name}", { params: { path: { name: token.name } } })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: key });
      onClose();
    },
  });
  return (
    <Modal opened onClose={onClose} title={`Revoke ${token.name}?`} transitionProps={{ duration: 0 }}>
      <Stack gap="sm">
        <Text size="sm">Who uses it is refused from now on; sessions of the console that were opened with it end.</Text>
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
