-- Remediation workflows, one row for each version; a version is never changed, only its status is.

CREATE TABLE IF NOT EXISTS remediation_workflow_catalog (
    workflow_id varchar(255) NOT NULL,
    version varchar(50) NOT NULL,
    name varchar(255) NOT NULL,
    description text,
    owner varchar(255),
    maintainer varchar(255),
    content text NOT NULL,
    content_hash varchar(64) NOT NULL,
    labels jsonb NOT NULL DEFAULT '{}',
    status varchar(20) NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'disabled', 'deprecated', 'archived')),
    disabled_at timestamptz,
    disabled_by varchar(255),
    disabled_reason text,
    is_latest_version boolean NOT NULL DEFAULT false,
    previous_version varchar(50),
    deprecation_notice text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workflow_id, version)
);

CREATE UNIQUE INDEX IF NOT EXISTS remediation_workflow_catalog_latest_idx
    ON remediation_workflow_catalog (workflow_id) WHERE is_latest_version;
CREATE INDEX IF NOT EXISTS remediation_workflow_catalog_status_idx ON remediation_workflow_catalog (status);
CREATE INDEX IF NOT EXISTS remediation_workflow_catalog_labels_idx
    ON remediation_workflow_catalog USING gin (labels);

CREATE OR REPLACE FUNCTION remediation_workflow_catalog_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

DROP TRIGGER IF EXISTS remediation_workflow_catalog_touch ON remediation_workflow_catalog;
CREATE TRIGGER remediation_workflow_catalog_touch
    BEFORE UPDATE ON remediation_workflow_catalog
    FOR EACH ROW EXECUTE FUNCTION remediation_workflow_catalog_touch();
