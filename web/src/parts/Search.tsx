// Search narrows a list by words.
import { TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";

interface SearchProps {
  label: string;
  placeholder?: string;
  value: string;
  onChange: (value: string) => void;
}

export const Search = ({ label, placeholder = "Search", value, onChange }: SearchProps) => (
  <TextInput
    aria-label={label}
    placeholder={placeholder}
    leftSection={<IconSearch size={16} aria-hidden />}
    value={value}
    onChange={(e) => onChange(e.currentTarget.value)}
    maw={320}
    className="grow"
  />
);
