// Secrets is a list of what is made here, shown once and revoked here: tokens, and logins of clients.
import { ActionIcon, Button, Group, Modal, Stack, Text, TextInput, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Loaded } from "../parts/Loaded";
import { type Column, Table } from "../parts/Table";
import { Trouble } from "../parts/Trouble";
import { Secret } from "./Secret";

export interface Made {
  name: string;
  secret: string;
}

// T is what is listed, D what a new one is made of beside its name.
interface SecretsProps<T, D> {
  kind: string; // the key of the query
  title: string;
  one: string;
  none: string; // said where the list is empty
  list: () => Promise<T[]>;
  columns: Column<T>[];
  form: {
    title: string;
    about: string; // the name
    blank: D;
    fields: (draft: D, change: (part: Partial<D>) => void) => ReactNode;
    make: (name: string, draft: D) => Promise<Made>;
    submit: string;
    what: string; // the secret
    once: string; // said where it is shown
  };
  revoke: (name: string) => Promise<unknown>;
  revoked: string; // what comes of it
}

export function Secrets<T extends { name: string }, D>(props: SecretsProps<T, D>) {
  const { title, one, none, list, columns, kind } = props;
  const query = useQuery({ queryKey: [kind], queryFn: list });
  const [making, { open, close }] = useDisclosure(false);
  const [revoking, setRevoking] = useState<string>();
  const actions: Column<T> = {
    name: "Actions",
    hideName: true,
    width: "36px",
    cell: ({ name }) => (
      <ActionIcon variant="subtle" color="gray" aria-label={`Revoke ${name}`} onClick={() => setRevoking(name)}>
        <IconTrash size={16} />
      </ActionIcon>
    ),
  };
  return (
    <Stack component="section" gap="sm">
      <Group justify="space-between">
        <Title order={2}>{title}</Title>
        <Button size="xs" variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={open}>
          New {one}
        </Button>
      </Group>
      <Loaded query={query} height={100}>
        {(all) =>
          all.length === 0 ? (
            <Text size="sm" c="dimmed">
              {none}
            </Text>
          ) : (
            <Table label={title} columns={[...columns, actions]} rows={all} id={(t) => t.name} />
          )
        }
      </Loaded>
      {making && <Make {...props} onClose={close} />}
      {revoking && <Revoke {...props} name={revoking} onClose={() => setRevoking(undefined)} />}
    </Stack>
  );
}

function Make<T, D>({ kind, form, onClose }: SecretsProps<T, D> & { onClose: () => void }) {
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [draft, setDraft] = useState(form.blank);
  const make = useMutation({
    mutationFn: () => form.make(name, draft),
    onSuccess: () => client.invalidateQueries({ queryKey: [kind] }),
  });
  if (make.data) {
    return (
      <Secret title={`${make.data.name} is made`} what={form.what} secret={make.data.secret} onClose={onClose}>
        {form.once}
      </Secret>
    );
  }
  return (
    <Modal opened onClose={onClose} title={form.title}>
      <form
        onSubmit={(e) => {
          e.preventDefault();
          make.mutate();
        }}
      >
        <Stack gap="sm">
          <TextInput
            label="Name"
            description={form.about}
            required
            data-autofocus
            value={name}
            onChange={(e) => setName(e.currentTarget.value)}
          />
          {form.fields(draft, (part) => setDraft((was) => ({ ...was, ...part })))}
          {make.error && <Trouble error={make.error} title="Not made" />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={make.isPending} disabled={!name}>
              {form.submit}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function Revoke<T, D>({ kind, name, revoke, revoked, onClose }: SecretsProps<T, D> & { name: string; onClose: () => void }) {
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: () => revoke(name),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: [kind] });
      onClose();
    },
  });
  return (
    <Modal opened onClose={onClose} title={`Revoke ${name}?`}>
      <Stack gap="sm">
        <Text size="sm">{revoked}</Text>
        {end.error && <Trouble error={end.error} title="Not revoked" />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Keep it
          </Button>
          <Button color="red" loading={end.isPending} onClick={() => end.mutate()}>
            Revoke
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
