"use strict";

// Shows /openapi.json. Nothing is fetched from anywhere but this server.

let description = {};

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function resolve(value) {
  let found = value;
  while (found && found.$ref) {
    found = found.$ref.slice(2).split("/").reduce((at, key) => at[key], description);
  }
  return found || {};
}

function schemaText(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(schemaText).join(" or ");
  if (schema.enum) return schema.enum.map((word) => JSON.stringify(word)).join(", ");
  const parts = [schema.type === "array" ? `list of ${schemaText(schema.items)}` : String(schema.type || "any")];
  if (schema.format) parts.push(schema.format);
  if (schema.minimum !== undefined || schema.minLength !== undefined) parts.push(`≥ ${schema.minimum ?? schema.minLength}`);
  if (schema.maximum !== undefined || schema.maxLength !== undefined) parts.push(`≤ ${schema.maximum ?? schema.maxLength}`);
  return parts.join(" ");
}

function table(heads, rows) {
  const head = element("tr", {}, ...heads.map((text) => element("th", {}, text)));
  const body = rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, cell))));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}

function parameterTable(parameters) {
  return table(
    ["parameter", "in", "what", "form"],
    parameters.map((one) => [
      element("code", {}, one.name + (one.required ? " *" : "")), one.in, one.description || "", schemaText(one.schema),
    ]),
  );
}

function responseTable(responses) {
  return table(
    ["status", "when", "body"],
    Object.entries(responses).map(([status, raw]) => {
      const response = resolve(raw);
      const [media] = Object.values(response.content || {});
      return [status, (response.description || "").replaceAll("`", ""), media ? schemaText(media.schema) : ""];
    }),
  );
}

function exampleOf(response) {
  const [media] = Object.values(resolve(response).content || {});
  return media && media.example ? element("pre", {}, JSON.stringify(media.example, null, 2)) : null;
}

function fieldTable(schema) {
  const shape = resolve(schema);
  const required = new Set(shape.required || []);
  return table(
    ["field", "form", "what"],
    Object.entries(shape.properties || {}).map(([name, raw]) => [
      element("code", {}, name + (required.has(name) ? " *" : "")), schemaText(raw), resolve(raw).description || "",
    ]),
  );
}

function trial(method, path, parameters, body) {
  const inputs = new Map();
  const rows = parameters.map((one) => {
    const input = element("input", { "aria-label": one.name });
    inputs.set(one, input);
    return [element("code", {}, one.name), input];
  });
  const text = body ? element("textarea", { "aria-label": "body" }) : null;
  const [media, content] = body ? Object.entries(body.content)[0] : [null, null];
  if (text) text.value = JSON.stringify(content.example, null, 2);
  const output = element("pre", { hidden: "" });
  const button = element("button", { type: "button" }, "Send");
  button.addEventListener("click", async () => {
    output.hidden = false;
    output.textContent = "…";
    try {
      output.textContent = await send(method, path, inputs, media, text);
    } catch (error) {
      output.textContent = String(error);
    }
  });
  return element("details", {}, element("summary", {}, "Try it"),
    element("div", {}, rows.length ? table(["parameter", "value"], rows) : null, text, button, output));
}

async function send(method, path, inputs, media, text) {
  const headers = {};
  const query = new URLSearchParams();
  let target = path;
  const token = document.getElementById("token").value.trim();
  if (token) headers.Authorization = `Bearer ${token}`;
  for (const [parameter, input] of inputs) {
    if (parameter.in === "path") target = target.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (input.value && parameter.in === "query") query.set(parameter.name, input.value);
    else if (input.value) headers[parameter.name] = input.value;
  }
  if (text && text.value) headers["Content-Type"] = media;
  const address = query.size ? `${target}?${query}` : target;
  const response = await fetch(address, { method, headers, body: text && text.value ? text.value : undefined });
  const shown = [`${response.status} ${response.statusText}`];
  for (const [name, value] of response.headers) shown.push(`${name}: ${value}`);
  return `${shown.join("\n")}\n\n${pretty(await response.text())}`;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function operationSection(path, method, operation) {
  const parameters = (operation.parameters || []).map(resolve);
  const body = operation.requestBody;
  const [content] = body ? Object.values(body.content) : [null];
  const [success] = Object.values(operation.responses);
  const parts = [element("p", {}, operation.description || "")];
  if (parameters.length) parts.push(element("h4", {}, "Parameters"), parameterTable(parameters));
  if (content) parts.push(element("h4", {}, `Body (${Object.keys(body.content).join(", ")})`), fieldTable(content.schema),
    element("pre", {}, JSON.stringify(content.example, null, 2)));
  parts.push(element("h4", {}, "Answers"), responseTable(operation.responses), exampleOf(success));
  parts.push(trial(method.toUpperCase(), path, parameters, body));
  return element("details", { id: operation.operationId },
    element("summary", {}, element("span", { class: `method ${method}` }, method.toUpperCase()),
      element("span", { class: "path" }, path), ` ${operation.summary}`),
    element("div", {}, ...parts));
}

function show() {
  document.getElementById("title").textContent = `${description.info.title} ${description.info.version}`;
  const groups = new Map();
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push([path, method, operation]);
    }
  }
  const main = document.getElementById("operations");
  const list = element("ul", {});
  main.replaceChildren(element("p", {}, description.info.description));
  for (const [tag, operations] of groups) {
    main.append(element("h2", {}, tag), ...operations.map((one) => operationSection(...one)));
    for (const [, , operation] of operations) {
      list.append(element("li", {}, element("a", { href: `#${operation.operationId}` }, operation.summary)));
    }
  }
  document.getElementById("contents").replaceChildren(list);
  openAsked();
}

function openAsked() {
  const asked = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (asked && asked.tagName === "DETAILS") asked.open = true;
}

async function load() {
  const main = document.getElementById("operations");
  try {
    const response = await fetch("/openapi.json");
    description = await response.json();
    show();
  } catch (error) {
    main.replaceChildren(element("p", {}, `The description could not be loaded: ${error}`));
  }
}

window.addEventListener("hashchange", openAsked);
load();
