// FirstSteps is what the overview shows when nothing is deployed yet.
import { Button, Stack, Text, Title } from "@mantine/core";
import { Link } from "wouter";

export function FirstSteps() {
  return (
    <Stack component="section" className="card" p="xl" gap="md">
      <Title order={2}>Write your first function</Title>
      <Text size="sm" maw={640}>
        A function is a few lines of code that are called for every message on a topic, over HTTP or by the clock. What it may use
        is what its configuration grants, nothing else.
      </Text>
      <ol className="first-steps">
        <li>
          <strong>Begin with a template.</strong> It runs as it is; change what you like. Faults are shown at their line.
        </li>
        <li>
          <strong>Deploy.</strong> You see each step. If it does not come up, you are told why.
        </li>
        <li>
          <strong>Call it.</strong> Invoke it from its page, or publish on its topic and watch the answer.
        </li>
      </ol>
      <div>
        <Button component={Link} href="/new">
          Write a function
        </Button>
      </div>
      <Text size="sm" c="dimmed">
        Or in a terminal: <code>fescue init python hello</code>, then <code>fescue deploy ./hello</code>
      </Text>
    </Stack>
  );
}
