// ConfigForm is fescue.yaml as a form. It is made of the configuration's schema and
// writes into the same text that stands beside it.
import {
  ActionIcon,
  Button,
  Fieldset,
  Group,
  NativeSelect,
  NumberInput,
  Stack,
  Switch,
  TagsInput,
  TextInput,
} from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { memo, type ReactNode, useState } from "react";
import type { Fault } from "../api/failure";
import { kindOf, type Schema } from "./schema";
import { change, type Path, read, type Value } from "./yaml";

interface ConfigFormProps {
  text: string;
  schema: Schema;
  faults: Fault[];
  onChange: (text: string) => void;
  above?: Record<string, ReactNode>; // what stands first in a group, by its key
}

// What one fills in first comes first; keys that are not named here follow in their order.
const order = [
  "name",
  "version",
  "description",
  "runtime",
  "handler",
  "triggers",
  "commands",
  "resources",
  "dependencies",
  "limits",
  "environment",
  "topic",
  "reply",
  "http",
  "schedule",
  "hook",
  "run",
];

export function ConfigForm({ text, schema, faults, onChange, above }: ConfigFormProps) {
  const values = read(text);
  if (!values) {
    return <p className="faint">The text beside cannot be read as YAML. Mend it there; the form follows.</p>;
  }
  const set = (path: Path, value: Value | undefined) => onChange(change(text, path, value));
  return <Fields schema={schema} value={values} path={[]} set={set} faults={faults} above={above} />;
}

interface FieldProps {
  schema: Schema;
  value: Value | undefined;
  path: Path;
  set: (path: Path, value: Value | undefined) => void;
  faults: Fault[];
  above?: Record<string, ReactNode>;
}

const fieldName = (path: Path) => path.map((p, i) => (typeof p === "number" ? `[${p}]` : i ? `.${p}` : p)).join("");

// faultOf is the fault that is the field’s own.
const faultOf = (faults: Fault[], path: Path) => faults.find((f) => f.field === fieldName(path))?.message;

function Fields({ schema, value, path, set, faults, above }: FieldProps) {
  const properties = schema.properties ?? {};
  const rank = (key: string) => (order.includes(key) ? order.indexOf(key) : order.length);
  const keys = Object.keys(properties).sort((a, b) => rank(a) - rank(b));
  const values = (typeof value === "object" && !Array.isArray(value) && value) || {};
  return (
    <Stack gap="sm">
      {keys.map((key) => (
        <Field
          key={key}
          schema={properties[key]!}
          value={values[key]}
          path={[...path, key]}
          set={set}
          faults={faults}
          above={above}
          required={schema.required?.includes(key)}
        />
      ))}
    </Stack>
  );
}

function Field(props: FieldProps & { required?: boolean }) {
  const { schema, value, path, set, faults, required } = props;
  const key = String(path.at(-1));
  const common = { label: key, description: schema.description, error: faultOf(faults, path), size: "xs", required } as const;
  switch (kindOf(schema)) {
    case "switch":
      return <Switch {...common} checked={value === true} onChange={(e) => set(path, e.currentTarget.checked || undefined)} />;
    case "number":
      return (
        <NumberInput
          {...common}
          value={typeof value === "number" ? value : ""}
          onChange={(v) => set(path, v === "" ? undefined : v)}
          min={0}
        />
      );
    case "choice":
      return (
        <NativeSelect
          {...common}
          value={String(value ?? "")}
          onChange={(e) => set(path, e.currentTarget.value || undefined)}
          data={["", ...schema.enum!]}
        />
      );
    case "words":
      return (
        <TagsInput
          {...common}
          value={Array.isArray(value) ? value.map(String) : []}
          onChange={(v) => set(path, v.length ? v : undefined)}
          splitChars={[",", " "]}
          comboboxProps={{ withinPortal: false }}
        />
      );
    case "list":
      return <Items {...props} />;
    case "map":
      return <Pairs {...props} />;
    case "group":
      return (
        <Fieldset legend={key} className="fields">
          {path.length === 1 && props.above?.[key]}
          <Fields {...props} />
        </Fieldset>
      );
  }
  return <Words {...common} value={value} placeholder={schema.examples?.[0]} onChange={(v) => set(path, v || undefined)} />;
}

interface TextProps {
  label: string;
  value: Value | undefined;
  placeholder?: string;
  onChange: (text: string) => void;
}

// A text keeps what is typed while it has the focus: the YAML need not hold what is half written.
const Words = memo(function Words({ value, onChange, ...props }: TextProps) {
  const [typed, setTyped] = useState<string>();
  const shown = value === undefined || value === null ? "" : String(value);
  return (
    <TextInput
      {...props}
      value={typed ?? shown}
      onChange={(e) => {
        setTyped(e.currentTarget.value);
        onChange(e.currentTarget.value);
      }}
      onBlur={() => setTyped(undefined)}
    />
  );
});

function Items({ schema, value, path, set, faults }: FieldProps) {
  const items = Array.isArray(value) ? value : [];
  const key = String(path.at(-1));
  const first = schema.items?.required?.[0] ?? Object.keys(schema.items?.properties ?? {})[0]!;
  return (
    <Fieldset legend={key} className="fields">
      <Stack gap="sm">
        {items.map((item, i) => (
          <div key={i} className="fields-item">
            <Fields schema={schema.items!} value={item} path={[...path, i]} set={set} faults={faults} />
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Remove ${key} ${i + 1}`}
              onClick={() => set([...path, i], undefined)}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </div>
        ))}
        <div>
          <Button
            size="compact-xs"
            variant="default"
            leftSection={<IconPlus size={12} aria-hidden />}
            onClick={() => set([...path, items.length], { [first]: "" })}
          >
            Add to {key}
          </Button>
        </div>
      </Stack>
    </Fieldset>
  );
}

function Pairs({ schema, value, path, set }: FieldProps) {
  const entries = Object.entries((typeof value === "object" && !Array.isArray(value) && value) || {});
  const key = String(path.at(-1));
  const [added, setAdded] = useState("");
  const add = () => {
    if (added) set([...path, added], "");
    setAdded("");
  };
  return (
    <Fieldset legend={key} className="fields">
      <Stack gap="xs">
        {schema.description && <span className="fields-about">{schema.description}</span>}
        {entries.map(([name, v]) => (
          <Group key={name} gap="xs" wrap="nowrap" align="flex-end">
            <div className="grow">
              <Words label={name} value={v} onChange={(text) => set([...path, name], text)} />
            </div>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Remove ${name}`}
              onClick={() => set([...path, name], undefined)}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Group>
        ))}
        <Group gap="xs" wrap="nowrap">
          <TextInput
            className="grow"
            size="xs"
            aria-label={`New name in ${key}`}
            placeholder="Name"
            value={added}
            onChange={(e) => setAdded(e.currentTarget.value)}
            onKeyDown={(e) => e.key === "Enter" && add()}
          />
          <Button size="compact-xs" variant="default" disabled={!added} onClick={add} aria-label={`Add to ${key}`}>
            Add
          </Button>
        </Group>
      </Stack>
    </Fieldset>
  );
}
