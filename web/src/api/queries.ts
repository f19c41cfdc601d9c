// What pages ask for, by name: each query's key says what an event must refresh.
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { answer, api, everything, type StoredEvent } from "./client";

const limit = 1000;

export const applications = queryOptions({
  queryKey: ["applications"],
  queryFn: () => everything((cursor) => api.GET("/v1/applications", { params: { query: { limit, cursor } } })),
});

export const application = (name: string) =>
  queryOptions({
    queryKey: ["applications", name],
    queryFn: () => answer(api.GET("/v1/applications/{name}", { params: { path: { name } } })),
  });

// Newest first: that is the order in which people look for them.
export const versions = (name: string) =>
  queryOptions({
    queryKey: ["versions", name],
    queryFn: async () =>
      (await everything((cursor) => api.GET("/v1/configurations", { params: { query: { limit, cursor, name } } }))).reverse(),
  });

// What a device holds: applications, and their versions that run on it or are to.
export const applicationsOn = (device: string) =>
  queryOptions({
    queryKey: ["applications", { device }],
    queryFn: () => everything((cursor) => api.GET("/v1/applications", { params: { query: { limit, cursor, device } } })),
  });

export const versionsOn = (device: string) =>
  queryOptions({
    queryKey: ["versions", { device }],
    queryFn: () => everything((cursor) => api.GET("/v1/configurations", { params: { query: { limit, cursor, device } } })),
  });

export const deployments = (name?: string) =>
  queryOptions({
    queryKey: ["deployments", { name: name ?? "" }],
    queryFn: async () =>
      (await answer(api.GET("/v1/deployments", { params: { query: { limit: 200, ...(name ? { name } : {}) } } }))).items,
  });

// deploymentPages are all deployments, so many at a time.
export const deploymentPages = (name?: string) =>
  infiniteQueryOptions({
    queryKey: ["deployments", { name: name ?? "", pages: true }],
    initialPageParam: "",
    queryFn: ({ pageParam: cursor }) =>
      answer(api.GET("/v1/deployments", { params: { query: { limit: 200, cursor, ...(name ? { name } : {}) } } })),
    getNextPageParam: (last) => last.next || undefined,
  });

export const deployment = (id: number) =>
  queryOptions({
    queryKey: ["deployments", id],
    queryFn: () => answer(api.GET("/v1/deployments/{id}", { params: { path: { id } } })),
  });

export const devices = queryOptions({
  queryKey: ["devices"],
  queryFn: () => everything((cursor) => api.GET("/v1/devices", { params: { query: { limit, cursor } } })),
});

export const device = (id: string) =>
  queryOptions({
    queryKey: ["devices", id],
    queryFn: () => answer(api.GET("/v1/devices/{id}", { params: { path: { id } } })),
  });

const exchanged = (id: string) => ({
  queryKey: ["topics", id],
  queryFn: () => answer(api.GET("/v1/devices/{id}/topics", { params: { path: { id } } })),
  refetchInterval: 2000,
});

export const topics = (id: string) => queryOptions({ ...exchanged(id), select: (a) => a.items });
export const denied = (id: string) => queryOptions({ ...exchanged(id), select: (a) => a.denied });

export const server = queryOptions({
  queryKey: ["server"],
  queryFn: () => answer(api.GET("/v1/server")),
});

export const recentEvents = (query: { application?: string; device?: string; tail: number }) =>
  queryOptions({
    queryKey: ["events", query],
    queryFn: async () =>
      (await answer<{ items: StoredEvent[] }>(api.GET("/v1/events", { params: { query } }) as never)).items.reverse(),
  });

// touchedBy names the queries that an event makes out of date.
export function touchedBy(e: StoredEvent): string[] {
  switch (e.kind) {
    case "step":
      return ["deployments", "events"];
    case "deployment":
      return ["deployments", "applications", "versions", "events", "server"];
    case "application":
      return ["applications", "events"];
    case "device":
      return ["devices", "events"];
  }
  return ["events"];
}
