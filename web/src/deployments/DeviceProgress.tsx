// DeviceProgress is a deployment's course on one device, step by step, and why it failed.
import { Collapse, Group, Text, UnstyledButton } from "@mantine/core";
import { IconCheck, IconChevronDown, IconMinus, IconX } from "@tabler/icons-react";
import { useState } from "react";
import { Status } from "../parts/Status";
import { Alarm } from "../parts/Trouble";
import { count, span } from "../parts/words";
import { type Course, type StepCourse, stepWords } from "./progress";

export function DeviceProgress({ course, open: first, over }: { course: Course; open: boolean; over: boolean }) {
  const [opened, setOpened] = useState<boolean>();
  const open = opened ?? (first || course.outcome === "failed");
  const took = course.steps.reduce((sum, s) => sum + (s.took ?? 0), 0);
  const done = course.steps.filter((s) => s.status && s.status !== "started").length;
  const state = course.outcome || (over ? "ended" : "deploying");
  return (
    <div className="card">
      <UnstyledButton w="100%" px="md" py="sm" onClick={() => setOpened(!open)} aria-expanded={open}>
        <Group gap="md" wrap="nowrap">
          <Text fw={600} size="sm" truncate>
            {course.device}
          </Text>
          <Status state={state} />
          <Text size="xs" c="dimmed" className="nowrap" ml="auto">
            {course.outcome === "succeeded" ? `in ${span(took)}` : `${count(done, "step")} done`}
          </Text>
          <IconChevronDown size={16} aria-hidden className={open ? "turned" : undefined} />
        </Group>
      </UnstyledButton>
      <Collapse expanded={open} transitionDuration={0}>
        <ol className="steps" aria-label={`Steps on ${course.device}`}>
          {course.steps.map((s) => (
            <Step key={s.step} step={s} />
          ))}
        </ol>
      </Collapse>
      {course.outcome === "failed" && <Reason course={course} />}
    </div>
  );
}

const signs: Record<string, typeof IconCheck> = { succeeded: IconCheck, failed: IconX, skipped: IconMinus };
const stepTones: Record<string, string> = { succeeded: "good", failed: "bad", started: "busy" };
const stepStates: Record<string, string> = {
  succeeded: "done",
  failed: "failed",
  started: "under way",
  skipped: "nothing to do",
};

function Step({ step }: { step: StepCourse }) {
  const Sign = signs[step.status];
  return (
    <li data-tone={stepTones[step.status] ?? "idle"} data-step={step.step} data-status={step.status}>
      <span className="step-sign" aria-hidden>
        {Sign ? <Sign size={14} stroke={2.4} /> : <span className={step.status === "started" ? "pulse" : "dot hollow"} />}
      </span>
      <span className={step.status ? undefined : "faint"}>{stepWords[step.step] ?? step.step}</span>
      <span className="step-note">
        {step.status === "succeeded" && step.took !== undefined ? span(step.took) : (stepStates[step.status] ?? "")}
      </span>
    </li>
  );
}

function Reason({ course }: { course: Course }) {
  return (
    <Alarm title="The deployment failed" m="md" mt={0}>
      <Text size="sm" className="breakable">
        {course.message || "The device gave no reason."} {course.hint}
      </Text>
      {course.lastLogs.length > 0 && (
        <>
          <Text size="xs" c="dimmed" mt="xs">
            The last lines of output
          </Text>
          <pre className="stack">{course.lastLogs.join("\n")}</pre>
        </>
      )}
      <Text size="sm" mt="xs">
        A version that ran before goes on running.
      </Text>
    </Alarm>
  );
}
