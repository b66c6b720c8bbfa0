// The API page: Swagger UI with Rowhook's OpenAPI document. Nothing is loaded from other hosts.
window.addEventListener("DOMContentLoaded", () => {
  SwaggerUIBundle({
    url: "/schema/openapi.json",
    dom_id: "#page",
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    tryItOutEnabled: false,
    validatorUrl: null,
  });
});
