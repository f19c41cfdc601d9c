// Configuration is fescue.yaml as a form and as a text, side by side where there is room.
import { SegmentedControl } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { Fault } from "../api/failure";
import { Trouble } from "../parts/Trouble";
import { Code } from "./Code";
import { ConfigForm } from "./ConfigForm";
import { schema } from "./schema";
import { configurationFile } from "./templates";

interface ConfigurationProps {
  text: string;
  faults: Fault[];
  onChange: (text: string) => void;
  packages: ReactNode;
}

export function Configuration({ text, faults, onChange, packages }: ConfigurationProps) {
  const known = useQuery(schema);
  const [side, setSide] = useState("text");
  return (
    <div className="bench-config" data-side={side}>
      <SegmentedControl
        size="xs"
        className="bench-side"
        aria-label="Form or text"
        value={side}
        onChange={setSide}
        data={[
          { value: "form", label: "Form" },
          { value: "text", label: "Text" },
        ]}
      />
      <div className="bench-form" role="region" aria-label="Configuration as a form" tabIndex={0}>
        {known.data ? (
          <ConfigForm text={text} schema={known.data} faults={faults} onChange={onChange} above={{ dependencies: packages }} />
        ) : known.error ? (
          <Trouble error={known.error} />
        ) : null}
      </div>
      <div className="bench-text">
        <Code
          path={configurationFile}
          label="Text of fescue.yaml"
          value={text}
          faults={faults}
          schema={known.data}
          onChange={onChange}
        />
        {faults.length > 0 && (
          <ul className="faults" aria-label="Faults">
            {faults.map((f, i) => (
              <li key={i}>
                {f.line ? <span className="mono">line {f.line} </span> : null}
                {f.message}
                {f.suggestion && <span className="faint"> {f.suggestion}</span>}
              </li>
            ))}
          </ul>
        )}
      </div>
    </div>
  );
}
