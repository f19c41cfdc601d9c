// What was told of a time, asked again as it goes on.
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { answer, api, type Schemas } from "../api/client";
import type { Span } from "./series";

type Asked = Pick<Span, "seconds" | "step">;

const range = ({ seconds, step }: Asked) => ({ from: new Date(Date.now() - seconds * 1000).toISOString(), step });

const again = ({ seconds }: Asked) => ({
  refetchInterval: seconds <= 3_600 ? 10_000 : 60_000,
  placeholderData: keepPreviousData,
});

export const deviceHistory = (id: string, span: Asked) =>
  queryOptions({
    queryKey: ["metrics", "device", id, span.seconds],
    queryFn: () => answer(api.GET("/v1/devices/{id}/metrics", { params: { path: { id }, query: range(span) } })),
    ...again(span),
  });

export const wholeHistory = (span: Asked) =>
  queryOptions({
    queryKey: ["metrics", "all", span.seconds],
    queryFn: () => answer(api.GET("/v1/metrics", { params: { query: range(span) } })),
    ...again(span),
  });

export const applicationHistory = (name: string, device: string, span: Asked) =>
  queryOptions({
    queryKey: ["metrics", "application", name, device, span.seconds],
    queryFn: () =>
      answer(
        api.GET("/v1/applications/{name}/metrics", {
          params: { path: { name }, query: { ...range(span), ...(device ? { device } : {}) } },
        }),
      ),
    ...again(span),
  });

export type DevicePoint = Schemas["DevicePoint"];
export type ApplicationPoint = Schemas["ApplicationPoint"];

export const seconds = (time: string) => Date.parse(time) / 1000;
