// The page /docs: Swagger UI over our own descriptions. What is tried carries the session's CSRF token.
const place = document.getElementById("docs");
const documents = JSON.parse(document.getElementById("documents").textContent);

SwaggerUIBundle({
    urls: documents,
    domNode: place,
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    layout: "StandaloneLayout",
    deepLinking: true,
    validatorUrl: null,
    queryConfigEnabled: false,
    tryItOutEnabled: true,
    requestInterceptor: (request) => {
        if (new URL(request.url, location.href).origin === location.origin) {
            request.headers["X-CSRFToken"] = place.dataset.csrf;
        }
        return request;
    },
});
