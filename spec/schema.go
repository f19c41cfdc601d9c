package spec

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"fescue.dev/fescue/fail"
)

// Schema is the JSON Schema (draft 2020-12) of the configuration, made from the
// type [Configuration] itself. Editors complete and check fescue.yaml with it;
// what no schema can say (that triggers need a handler, say) [Decode] checks.
func Schema() ([]byte, error) {
	root := schemaOf(reflect.TypeFor[Configuration]())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Fescue application"
	root["required"] = []string{"name", "version", "runtime"}
	text, err := json.MarshalIndent(root, "", "  ")
	return text, fail.Wrap(err, fail.Internal, "make schema", "")
}

type schema map[string]any

// patterns and choices of the types that are written as text.
var textSchemas = map[reflect.Type]schema{
	reflect.TypeFor[Name]():           {"pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"},
	reflect.TypeFor[Version]():        {"pattern": `^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`, "examples": []string{"1.0.0"}},
	reflect.TypeFor[Runtime]():        {"pattern": `^(python|node|java|cpp|wasm|native|container)( .+)?$`, "examples": []string{"python", "python >=3.11", "native", "container"}},
	reflect.TypeFor[Platform]():       {"pattern": `^(linux(/[a-z0-9]+)?|micro(/[a-z0-9-]+)?)$`, "examples": []string{"linux", "linux/arm64", "micro"}},
	reflect.TypeFor[Filter]():         {"minLength": 1, "maxLength": MaxTopicBytes},
	reflect.TypeFor[Topic]():          {"minLength": 1, "maxLength": MaxTopicBytes, "pattern": "^[^+#]+$"},
	reflect.TypeFor[Range]():          {"examples": []string{">=1.2 <2", "^1.4", "*"}},
	reflect.TypeFor[Duration]():       {"pattern": `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`, "examples": []string{"500ms", "3s", "5m"}},
	reflect.TypeFor[Mode]():           {"enum": []Mode{ModeSandbox, ModeUser, ModeRoot}},
	reflect.TypeFor[Isolation]():      {"enum": []Isolation{IsolationSandbox, IsolationStrict, IsolationNone}},
	reflect.TypeFor[Route]():          {"pattern": "^(GET|POST|PUT|PATCH|DELETE|ANY) /", "maxLength": 256, "examples": []string{"POST /roots/{id}"}},
	reflect.TypeFor[Schedule]():       {"examples": []string{"*/5 * * * *", "every 10s"}, "maxLength": 256},
	reflect.TypeFor[Order]():          {"pattern": `^(topic|payload(\.[A-Za-z_][A-Za-z0-9_-]*){1,8})$`, "examples": []string{"topic", "payload.device"}},
	reflect.TypeFor[Zone]():           {"examples": []string{"Europe/Berlin"}},
	reflect.TypeFor[Hook]():           {"enum": []Hook{HookStart, HookStop}},
	reflect.TypeFor[Delivery]():       {"enum": []Delivery{AtMostOnce, AtLeastOnce}},
	reflect.TypeFor[Auth]():           {"enum": []Auth{AuthToken, AuthPublic}},
	reflect.TypeFor[Body]():           {"enum": []Body{BodyPayload, BodyFile, BodyStream}},
	reflect.TypeFor[PayloadForm]():    {"enum": []PayloadForm{PayloadJSON, PayloadText, PayloadBytes}},
	reflect.TypeFor[Missed]():         {"enum": []Missed{MissedSkip, MissedOnce}},
	reflect.TypeFor[ImageReference](): {"pattern": imageReference().String(), "maxLength": 512},
	reflect.TypeFor[Full]():           {"enum": []Full{FullDropOldest, FullRefuse}},
	reflect.TypeFor[IPC]():            {"enum": []IPC{IPCUnix, IPCMqueue, IPCTCP}},
	reflect.TypeFor[Endpoint]():       {"pattern": `^(\*|([a-z0-9._-]+|\[[0-9a-f:]+\]):[0-9]+(/udp)?)$`, "examples": []string{"api.example.com:443", "192.168.1.10:502", "[2001:db8::7]:443", "time.example.com:123/udp", "localhost:1883", "*"}},
	reflect.TypeFor[Pin]():            {"pattern": "^(gpio|adc|i2c)/[0-9a-fx]+$", "examples": []string{"gpio/13", "i2c/0x48"}},
	reflect.TypeFor[DevicePath]():     {"pattern": "^/dev/.+$", "examples": []string{"/dev/ttyUSB0"}},
}

// needed are the keys without which a mapping is useless.
var needed = map[reflect.Type][]string{
	reflect.TypeFor[Batch]():   {"events"},
	reflect.TypeFor[Command](): {"run"},
}

func schemaOf(t reflect.Type) schema {
	if special, ok := textSchemas[t]; ok {
		s := schema{"type": "string"}
		for k, v := range special {
			s[k] = v
		}
		return s
	}
	if t == reflect.TypeFor[Bytes]() {
		return schema{"type": []string{"string", "integer"}, "pattern": `^[0-9]+(\.[0-9]+)? *([KMGT]i?|k)?B?$`, "examples": []string{"64MiB", "1.5GB"}}
	}
	if t == reflect.TypeFor[Count]() {
		return schema{"type": "integer", "minimum": 0}
	}
	switch t.Kind() {
	case reflect.Struct:
		return structSchema(t)
	case reflect.Slice:
		return schema{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		return mapSchema(t)
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.Int:
		return schema{"type": "integer", "minimum": 1}
	case reflect.Float64:
		return schema{"type": "number", "exclusiveMinimum": 0}
	}
	return schema{"type": "string"}
}

func structSchema(t reflect.Type) schema {
	properties := schema{}
	for i := range t.NumField() {
		f := t.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		property := schemaOf(f.Type)
		if doc := f.Tag.Get("doc"); doc != "" {
			property["description"] = doc
		}
		properties[key] = property
	}
	s := schema{"type": "object", "properties": properties, "additionalProperties": false}
	if keys := needed[t]; keys != nil {
		s["required"] = slices.Clone(keys)
	}
	return s
}

func mapSchema(t reflect.Type) schema {
	values := schemaOf(t.Elem())
	if t.Elem().Kind() == reflect.String && t.Elem() == reflect.TypeFor[string]() {
		values = schema{"type": []string{"string", "number", "boolean"}} // scalars are taken as they are written
	}
	return schema{"type": "object", "additionalProperties": values, "propertyNames": schemaOf(t.Key())}
}
