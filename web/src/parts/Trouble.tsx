// Trouble tells what went wrong in the server's own words, what to do, and offers
// what can be tried.
import { Alert, Anchor, Button, Code, List, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { failureOf } from "../api/failure";

interface TroubleProps {
  error: unknown;
  title?: string;
  onRetry?: () => void;
}

// Alarm is the frame in which something that went wrong is told.
export const Alarm = ({ title, children, ...at }: { title: string; children: ReactNode; m?: "md"; mt?: 0 }) => (
  <Alert
    role="alert"
    color="red"
    variant="outline"
    className="trouble"
    icon={<IconAlertTriangle size={18} aria-hidden />}
    title={title}
    {...at}
  >
    {children}
  </Alert>
);

export function Trouble({ error, title, onRetry }: TroubleProps) {
  const { problem } = failureOf(error);
  const faults = problem.faults ?? [];
  return (
    <Alarm title={title ?? problem.title}>
      {faults.length > 1 ? (
        <List size="sm">
          {faults.map((f, i) => (
            <List.Item key={i}>
              {f.line ? `line ${f.line}: ` : ""}
              {f.field && <Code>{f.field}</Code>} {f.message} {f.suggestion}
            </List.Item>
          ))}
        </List>
      ) : (
        <Text size="sm" className="breakable">
          {problem.detail}
        </Text>
      )}
      {problem.hint && (
        <Text size="sm" mt={4}>
          {problem.hint}
        </Text>
      )}
      {problem.handler?.stack && <pre className="stack">{problem.handler.stack}</pre>}
      <div className="trouble-actions">
        {onRetry && (
          <Button size="compact-sm" variant="default" onClick={onRetry}>
            Try again
          </Button>
        )}
        {problem.type && (
          <Anchor size="sm" href={problem.type} target="_blank" rel="noreferrer">
            About “{problem.code}”
          </Anchor>
        )}
      </div>
    </Alarm>
  );
}
